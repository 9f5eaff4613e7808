//! Names, and what it is for one to be matched: whole, whatever its case and its separators.

use std::array;

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

/// A set of names in their normal form: letters and digits alone, in lower case.
#[derive(Clone)]
pub(super) struct Names {
    /// By the length of the name; the last group has the longest of all.
    groups: [Group; INLINE],
}

#[derive(Clone, Default)]
struct Group {
    /// A bit for each letter that a name starts with: most names are told apart here.
    first_letters: u32,
    sorted: Vec<Box<[u8]>>,
}

impl Names {
    pub(super) fn new(names: &[&str]) -> Self {
        let mut set = Names { groups: array::from_fn(|_| Group::default()) };
        for name in names {
            set.insert(normal(name));
        }
        set
    }

    pub(super) fn len(&self) -> usize {
        self.groups.iter().map(|group| group.sorted.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.sorted.is_empty())
    }

    pub(super) fn insert(&mut self, name: Box<[u8]>) {
        let group = &mut self.groups[slot(&name)];
        if let Err(at) = group.sorted.binary_search(&name) {
            group.first_letters |= first_letter(&name);
            group.sorted.insert(at, name);
        }
    }

    pub(super) fn remove(&mut self, name: &[u8]) {
        let group = &mut self.groups[slot(name)];
        group.sorted.retain(|other| other.as_ref() != name);
        group.first_letters =
            group.sorted.iter().fold(0, |letters, name| letters | first_letter(name));
    }

    /// Whether `name` as a whole, or one of its segments (`user[password]`, `user.password`), is in
    /// the set. A name that is not UTF-8 is taken to be.
    #[inline]
    pub(super) fn hide(&self, name: &[u8]) -> bool {
        if name.iter().all(|&byte| FOLD[usize::from(byte)] == byte) {
            self.contains(name)
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
        for &byte in name {
            let letter = FOLD[usize::from(byte)];
            if letter == SPLIT {
                if self.contains(&normal[start..end]) {
                    return true;
                }
                start = end;
            } else {
                normal[end] = if letter == WIDE { byte } else { letter };
                end += usize::from(letter != DROP);
            }
        }
        self.contains(&normal[start..end]) || (start > 0 && self.contains(&normal[..end]))
    }

    #[inline]
    fn contains(&self, normal: &[u8]) -> bool {
        let group = &self.groups[slot(normal)];
        group.first_letters & first_letter(normal) != 0 && group.contains(normal)
    }
}

impl Group {
    #[inline(never)]
    fn contains(&self, normal: &[u8]) -> bool {
        self.sorted.binary_search_by(|name| name.as_ref().cmp(normal)).is_ok()
    }
}

fn slot(name: &[u8]) -> usize {
    name.len().min(INLINE - 1)
}

fn first_letter(name: &[u8]) -> u32 {
    name.first().map_or(0, |letter| 1 << (letter & 31))
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
