//! `Accept`, as RFC 9110, section 12.5.1 has it.

/// What a caller may ask for.
pub(crate) trait Media {
    /// Its type and subtype.
    fn media_type(&self) -> (&'static str, &'static str);

    /// What may be said of it.
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }
}

/// A property of a media type, and the values that are ours.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) values: &'static [&'static str],
}

/// Chooses what the values of `Accept` want most, the first where they want none more than another;
/// `None` where they want none at all.
pub(crate) fn choose<'a, M: Media + Copy>(
    values: impl Iterator<Item = &'a str>,
    all: &[M],
) -> Option<M> {
    let ranges: Vec<Range> = values.flat_map(|value| split(value, ',')).filter_map(read).collect();
    let mut chosen = (None, 0);
    for media in all {
        // of the ranges that it is in, the most specific tells its weight
        let in_them = ranges.iter().filter_map(|range| Some((range.fits(media)?, range.weight)));
        let weight = in_them.max().map_or(0, |(_, weight)| weight);
        if weight > chosen.1 {
            chosen = (Some(*media), weight);
        }
    }
    chosen.0
}

/// A media range with its weight, in thousandths.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: Vec<(&'a str, String)>,
    weight: u16,
}

impl Range<'_> {
    /// How specific the range is, if the medium is in it.
    ///
    /// A parameter of a name that it does not have (`escaping`, which Prometheus 3 sends) asks for nothing.
    fn fits(&self, media: &impl Media) -> Option<usize> {
        let (kind, subtype) = media.media_type();
        if self.kind == "*" {
            return Some(0);
        }
        if !self.kind.eq_ignore_ascii_case(kind) {
            return None;
        }
        if self.subtype == "*" {
            return Some(1);
        }
        if !self.subtype.eq_ignore_ascii_case(subtype) {
            return None;
        }
        let mut specific = 2;
        for (name, value) in &self.parameters {
            let ours = media.parameters().iter().find(|ours| ours.name.eq_ignore_ascii_case(name));
            if let Some(ours) = ours {
                if !ours.values.iter().any(|ours| ours.eq_ignore_ascii_case(value)) {
                    return None;
                }
                specific += 1;
            }
        }
        Some(specific)
    }
}

/// Reads a media range; one that is not as the RFC has it says nothing.
fn read(text: &str) -> Option<Range<'_>> {
    let mut parts = split(text, ';');
    let (kind, subtype) = parts.next()?.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) || (kind == "*" && subtype != "*") {
        return None;
    }
    let mut range = Range { kind, subtype, parameters: Vec::new(), weight: 1000 };
    for part in parts {
        // the RFC has always allowed empty ones
        if part.is_empty() {
            continue;
        }
        let (name, value) = part.split_once('=')?;
        if !is_token(name) {
            return None;
        }
        if name.eq_ignore_ascii_case("q") {
            range.weight = weight(value)?;
        } else {
            range.parameters.push((name, unquote(value)?));
        }
    }
    Some(range)
}

/// Reads a weight: 0 to 1, with at most three decimals.
fn weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || decimals.len() > 3 {
        return None;
    }
    let mut weight = if whole == "1" { 1000 } else { 0 };
    for (decimal, unit) in decimals.chars().zip([100, 10, 1]) {
        weight += u16::try_from(decimal.to_digit(10)?).ok()? * unit;
    }
    (weight <= 1000).then_some(weight)
}

/// The value of a parameter, out of its quotes if it has some.
fn unquote(value: &str) -> Option<String> {
    let Some(quoted) = value.strip_prefix('"') else {
        return is_token(value).then(|| value.to_owned());
    };
    let mut unquoted = String::new();
    let mut characters = quoted.strip_suffix('"')?.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => unquoted.push(characters.next()?),
            '"' => return None,
            plain => unquoted.push(plain),
        }
    }
    Some(unquoted)
}

fn is_token(text: &str) -> bool {
    let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_in)
}

/// Splits a text where it is not quoted, and trims the parts.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character: char| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return character == at && !quoted,
        }
        false
    })
    .map(|part| part.trim_matches([' ', '\t']))
}
