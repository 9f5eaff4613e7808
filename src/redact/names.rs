//! Names, and what it is for one to be matched: whole, whatever its case and its separators, or by
//! its words.

use super::set::Set;

/// Names up to this length are matched without an allocation.
const INLINE: usize = 64;

/// What a byte is in a name: the letter that it maps to, or one of the marks below. Only letters
/// and digits of the normal form map to themselves.
const FOLD: [u8; 256] = {
    let mut fold = [SPLIT; 256];
    let mut byte = u8::MAX;
    loop {
        fold[byte as usize] = match byte {
            b'A'..=b'Z' => byte.to_ascii_lowercase(),
            b'a'..=b'z' | b'0'..=b'9' => byte,
            b'-' | b'_' | b'+' | b' ' | b'\t' | b'\n' | b'\r' => DROP,
            0x80.. => WIDE,
            _ => SPLIT,
        };
        if byte == 0 {
            break fold;
        }
        byte -= 1;
    }
};
/// Left out.
const DROP: u8 = b'D';
/// Between two segments.
const SPLIT: u8 = b'S';
/// Not ASCII.
const WIDE: u8 = b'W';

/// The names of a policy, in their normal form: letters and digits alone, in lower case.
#[derive(Clone, Default)]
pub(super) struct Names {
    /// Hidden, whole.
    hidden: Set,
    /// Hide what ends in their words.
    endings: Set,
    /// Shown, whole, whatever their words are.
    shown: Set,
}

/// Where the words of a segment start that decide on it: what tells words apart is left out of its
/// normal form. A name of one word has zeros.
#[derive(Default)]
struct Words {
    second: usize,
    last_but_one: usize,
    last: usize,
}

impl Words {
    fn begin(&mut self, at: usize) {
        if at > self.last {
            if self.second == 0 {
                self.second = at;
            }
            self.last_but_one = self.last;
            self.last = at;
        }
    }
}

impl Names {
    pub(super) fn new(hidden: &[&str], endings: &[&str]) -> Self {
        let set = |names: &[&str]| names.iter().map(|name| normal(name)).collect();
        Names { hidden: set(hidden), endings: set(endings), shown: Set::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.hidden.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hidden.is_empty() && self.endings.is_empty()
    }

    pub(super) fn insert(&mut self, name: Box<[u8]>) {
        self.shown.remove(&name);
        self.hidden.insert(name);
    }

    pub(super) fn remove(&mut self, name: Box<[u8]>) {
        self.hidden.remove(&name);
        self.shown.insert(name);
    }

    /// Whether `name` as a whole, or one of its segments (`user[password]`, `user.password`), is
    /// hidden. A name that is not UTF-8 is taken to be.
    #[inline]
    pub(super) fn hide(&self, name: &[u8]) -> bool {
        if name.iter().all(|&byte| FOLD[usize::from(byte)] == byte) {
            // it is one word, and every ending that is to be hidden is a name as well
            self.hidden.contains(name)
        } else {
            self.hide_folded(name)
        }
    }

    #[inline(never)]
    fn hide_folded(&self, name: &[u8]) -> bool {
        if self.is_empty() {
            false
        } else if !name.is_ascii() {
            str::from_utf8(name).map_or(true, |name| {
                let name = fold_unicode(name);
                self.search(name.as_bytes(), &mut vec![0; name.len()])
            })
        } else if name.len() <= INLINE {
            self.search(name, &mut [0; INLINE])
        } else {
            self.search(name, &mut vec![0; name.len()])
        }
    }

    /// `normal` has room for all of `name`.
    fn search(&self, name: &[u8], normal: &mut [u8]) -> bool {
        let (mut start, mut end) = (0, 0);
        let mut words = Words::default();
        let mut before = b'-';
        for (at, &byte) in name.iter().enumerate() {
            let letter = FOLD[usize::from(byte)];
            if letter == SPLIT {
                if self.hide_segment(&normal[start..end], &words) {
                    return true;
                }
                start = end;
                words = Words::default();
            } else if letter != DROP {
                if FOLD[usize::from(before)] == DROP
                    || (byte.is_ascii_uppercase() && is_camel(before, name.get(at + 1)))
                {
                    words.begin(end - start);
                }
                normal[end] = if letter == WIDE { byte } else { letter };
                end += 1;
            }
            before = byte;
        }
        self.hide_segment(&normal[start..end], &words)
            || (start > 0 && self.hidden.contains(&normal[..end]))
    }

    fn hide_segment(&self, name: &[u8], words: &Words) -> bool {
        if self.hidden.contains(name) {
            return true;
        }
        let bare = match name {
            [b'x', bare @ ..] if words.second == 1 => Some(bare),
            _ => None,
        };
        let is_hidden = self.endings.contains(&name[words.last..])
            || self.endings.contains(&name[words.last_but_one..])
            || bare.is_some_and(|bare| self.hidden.contains(bare));
        is_hidden
            && !self.shown.contains(name)
            && !bare.is_some_and(|bare| self.shown.contains(bare))
    }
}

/// Whether an upper-case letter starts a word: `userId`, `userID`, `APIKey`.
fn is_camel(before: u8, after: Option<&u8>) -> bool {
    !before.is_ascii_uppercase() || after.is_some_and(u8::is_ascii_lowercase)
}

/// The normal form of a name; it is empty where the name has no letter and no digit.
pub(super) fn normal(name: &str) -> Box<[u8]> {
    let keep = |byte| match FOLD[usize::from(byte)] {
        DROP | SPLIT => None,
        WIDE => Some(byte),
        letter => Some(letter),
    };
    fold_unicode(name).bytes().filter_map(keep).collect()
}

/// Leaves ASCII as it is and brings other characters closer to it: full-width letters, the long s
/// and the Kelvin sign are ASCII's, marks and invisible characters are left out.
fn fold_unicode(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '\0'..='\u{7f}' => folded.push(character),
            '\u{17f}' => folded.push('s'),
            '\u{ff01}'..='\u{ff5e}' => folded.extend(char::from_u32(u32::from(character) - 0xfee0)),
            _ if character.is_alphanumeric() => {
                folded.extend(character.to_lowercase().filter(|lower| lower.is_alphanumeric()))
            }
            _ => {}
        }
    }
    folded
}
