//! Reading what is sent: a JSON object, each member of which is named in what is said against it, by its
//! path from the outermost, such as `match.all[1].status.from`.

use std::ops::RangeInclusive;

use http::StatusCode;

use super::answer::Refusal;
use super::json::Json;
use crate::escape;

/// The most characters of a stranger's name for a member that are told back.
const MOST_SHOWN: usize = 64;

/// The members of an object that were not taken yet.
#[derive(Debug)]
pub(super) struct Fields {
    /// Empty for the outermost.
    path: String,
    members: Vec<(String, Json)>,
}

/// A value, and where it stands.
#[derive(Debug)]
pub(super) struct Item {
    path: String,
    json: Json,
}

impl Fields {
    /// Reads an object; of a name that comes twice none can be told to be meant.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let refused = |why: &str| {
            let detail = format!("the body is not the JSON object that is expected: {why}");
            Refusal::new(StatusCode::BAD_REQUEST, detail)
        };
        let read = Json::read(body)
            .map_err(|error| refused(&escape::bounded(error.to_string().as_bytes(), 256)))?;
        match read {
            Json::Object(members) => Self::of(String::new(), members),
            _ => Err(refused("it is another value")),
        }
    }

    fn of(path: String, members: Vec<(String, Json)>) -> Result<Self, Refusal> {
        let fields = Self { path, members };
        let mut names: Vec<&str> = fields.members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.array_windows().find(|[one, next]| one == next) {
            Some([twice, _]) => Err(Refusal::field(fields.path_of(twice), "is there twice")),
            None => Ok(fields),
        }
    }

    /// Takes a text of at most so many bytes.
    pub(super) fn text(&mut self, name: &'static str, most: usize) -> Result<String, Refusal> {
        self.take(name)?.text(most)
    }

    /// Takes a whole number in a range.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<u64, Refusal> {
        self.take(name)?.number(range)
    }

    /// Takes a member that has to be there.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Item, Refusal> {
        let taken = self.take_if_there(name);
        taken.ok_or_else(|| Refusal::field(self.path_of(name), "is missing"))
    }

    /// Takes a member that need not be there.
    pub(super) fn take_if_there(&mut self, name: &'static str) -> Option<Item> {
        let at = self.members.iter().position(|(found, _)| found == name)?;
        let (_, json) = self.members.swap_remove(at);
        Some(Item { path: self.path_of(name), json })
    }

    /// Takes the first member, whatever its name; `None` where there is none.
    #[cfg(feature = "debug-dump")]
    pub(super) fn take_first(&mut self) -> Option<(String, Item)> {
        let (name, json) = (!self.members.is_empty()).then(|| self.members.remove(0))?;
        let path = self.path_of(&name);
        Some((name, Item { path, json }))
    }

    /// Refuses what is left: a misspelt member would be overlooked.
    pub(super) fn end(self) -> Result<(), Refusal> {
        self.end_or("is not known")
    }

    /// Refuses what is left, with these words.
    pub(super) fn end_or(self, detail: &'static str) -> Result<(), Refusal> {
        match self.members.first() {
            Some((name, _)) => Err(Refusal::field(self.path_of(name), detail)),
            None => Ok(()),
        }
    }

    fn path_of(&self, name: &str) -> String {
        let name = escape::bounded(name.as_bytes(), MOST_SHOWN);
        if self.path.is_empty() { name } else { format!("{}.{name}", self.path) }
    }
}

impl Item {
    pub(super) fn text(self, most: usize) -> Result<String, Refusal> {
        match self.json {
            Json::Text(text) if text.len() <= most => Ok(text),
            _ => Err(self.refused(format!("must be a string of at most {most} bytes"))),
        }
    }

    pub(super) fn number(self, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
        match self.json {
            Json::Whole(number) if range.contains(&number) => Ok(number),
            _ => {
                let (least, most) = (range.start(), range.end());
                Err(self.refused(format!("must be a whole number from {least} to {most}")))
            }
        }
    }

    /// What is said against it.
    pub(super) fn refused(&self, detail: impl Into<String>) -> Refusal {
        Refusal::field(&self.path, detail)
    }
}

#[cfg(feature = "debug-dump")]
impl Item {
    /// The members of an object.
    pub(super) fn fields(self) -> Result<Fields, Refusal> {
        match self.json {
            Json::Object(members) => Fields::of(self.path, members),
            Json::TooDeep => Err(self.refused("is nested too deeply")),
            _ => Err(self.refused("must be an object")),
        }
    }

    /// The values of a list.
    pub(super) fn items(self) -> Result<Vec<Self>, Refusal> {
        let list = match self.json {
            Json::List(list) => list,
            Json::TooDeep => return Err(self.refused("is nested too deeply")),
            _ => return Err(self.refused("must be a list")),
        };
        let path = |at: usize| format!("{}[{at}]", self.path);
        let items = list.into_iter().enumerate();
        Ok(items.map(|(at, json)| Self { path: path(at), json }).collect())
    }

    /// That it is `true`: what it says the other way is said with `not`.
    pub(super) fn yes(self) -> Result<(), Refusal> {
        match self.json {
            Json::Yes => Ok(()),
            _ => Err(self.refused("must be true")),
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self.json, Json::Object(_))
    }
}
