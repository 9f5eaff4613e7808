//! Writing a profile in which nothing stands twice.

use std::collections::HashMap;

use super::proto::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};

type Stack = (Vec<u64>, Vec<Label>);

/// A profile being written, and where in it everything is.
#[derive(Default)]
pub(super) struct Tables {
    profile: Profile,
    strings: HashMap<String, i64>,
    // by what they are, with an ID of 0
    mappings: HashMap<Mapping, u64>,
    functions: HashMap<Function, u64>,
    locations: HashMap<Location, u64>,
    samples: HashMap<Stack, usize>,
}

impl Tables {
    pub(super) fn new() -> Self {
        let mut tables = Self::default();
        // the format wants the empty string first
        tables.string("");
        tables
    }

    pub(super) fn string(&mut self, text: &str) -> i64 {
        if let Some(index) = self.strings.get(text) {
            return *index;
        }
        let index = self.profile.string_table.len() as i64;
        self.profile.string_table.push(text.to_owned());
        self.strings.insert(text.to_owned(), index);
        index
    }

    pub(super) fn value_type(&mut self, kind: &str, unit: &str) -> ValueType {
        ValueType { kind: self.string(kind), unit: self.string(unit) }
    }

    pub(super) fn function(&mut self, function: Function) -> u64 {
        let all = &mut self.profile.function;
        *self.functions.entry(function).or_insert_with(|| {
            let id = all.len() as u64 + 1;
            all.push(Function { id, ..function });
            id
        })
    }

    /// `start` is where the location's mapping lies here, which its address is relative to.
    pub(super) fn location(&mut self, location: Location, start: u64) -> u64 {
        if let Some(id) = self.locations.get(&location) {
            return *id;
        }
        let id = self.profile.location.len() as u64 + 1;
        let address = location.address.wrapping_add(start);
        self.profile.location.push(Location { id, address, ..location.clone() });
        self.locations.insert(location, id);
        id
    }

    /// Adds to the values of a stack, or subtracts from them.
    pub(super) fn sample(&mut self, stack: Stack, values: &[i64], sign: Sign) {
        let all = &mut self.profile.sample;
        let at = match self.samples.get(&stack) {
            Some(at) => *at,
            None => {
                let (location_id, label) = stack.clone();
                let value = vec![0; values.len()];
                all.push(Sample { location_id, value, label });
                self.samples.insert(stack, all.len() - 1);
                all.len() - 1
            }
        };
        if let Some(sample) = all.get_mut(at) {
            for (sum, value) in sample.value.iter_mut().zip(values) {
                *sum = match sign {
                    Sign::Plus => sum.saturating_add(*value),
                    Sign::Minus => sum.saturating_sub(*value),
                };
            }
        }
    }

    /// Copies what describes the whole profile.
    pub(super) fn head(&mut self, from: &Profile) {
        let mut text = |index: i64| self.string(text_of(from, index));
        let mut of = |kind: &ValueType| ValueType { kind: text(kind.kind), unit: text(kind.unit) };
        let sample_type = from.sample_type.iter().map(&mut of).collect();
        let period_type = from.period_type.as_ref().map(of);
        let comment = from.comment.iter().map(|index| text(*index)).collect();
        let (drop_frames, keep_frames) = (text(from.drop_frames), text(from.keep_frames));
        let (default_sample_type, doc_url) = (text(from.default_sample_type), text(from.doc_url));
        self.profile = Profile {
            sample_type,
            drop_frames,
            keep_frames,
            time_nanos: from.time_nanos,
            duration_nanos: from.duration_nanos,
            period_type,
            period: from.period,
            comment,
            default_sample_type,
            doc_url,
            ..std::mem::take(&mut self.profile)
        };
    }

    /// Copies all samples of a profile that was checked.
    pub(super) fn samples(&mut self, from: &Profile, sign: Sign) {
        let mappings: HashMap<u64, Placed> =
            from.mapping.iter().map(|mapping| (mapping.id, self.mapping(from, mapping))).collect();
        let functions: HashMap<u64, u64> = from
            .function
            .iter()
            .map(|function| {
                let copy = Function {
                    id: 0,
                    name: self.string(text_of(from, function.name)),
                    system_name: self.string(text_of(from, function.system_name)),
                    filename: self.string(text_of(from, function.filename)),
                    start_line: function.start_line,
                };
                (function.id, self.function(copy))
            })
            .collect();
        let locations: HashMap<u64, u64> = from
            .location
            .iter()
            .map(|location| {
                let placed = mappings.get(&location.mapping_id).copied().unwrap_or_default();
                let function_id = |id: u64| functions.get(&id).copied().unwrap_or_default();
                let line = location.line.iter();
                let copy = Location {
                    id: 0,
                    mapping_id: placed.id,
                    address: location.address.wrapping_sub(placed.was),
                    line: line
                        .map(|l| Line { function_id: function_id(l.function_id), ..*l })
                        .collect(),
                    is_folded: location.is_folded,
                };
                (location.id, self.location(copy, placed.is))
            })
            .collect();
        for sample in &from.sample {
            let stack = sample.location_id.iter().filter_map(|id| locations.get(id).copied());
            let stack = stack.collect();
            let mut labels: Vec<Label> = sample
                .label
                .iter()
                .map(|label| Label {
                    key: self.string(text_of(from, label.key)),
                    str: self.string(text_of(from, label.str)),
                    num: label.num,
                    num_unit: self.string(text_of(from, label.num_unit)),
                })
                .collect();
            // labels have no order
            labels.sort_unstable_by_key(|l| (l.key, l.str, l.num, l.num_unit));
            self.sample((stack, labels), &sample.value, sign);
        }
    }

    /// The same file is the same mapping wherever it was loaded to.
    fn mapping(&mut self, from: &Profile, mapping: &Mapping) -> Placed {
        let was = mapping.memory_start;
        let key = Mapping {
            id: 0,
            memory_start: 0,
            memory_limit: mapping.memory_limit.wrapping_sub(was),
            filename: self.string(text_of(from, mapping.filename)),
            build_id: self.string(text_of(from, mapping.build_id)),
            ..*mapping
        };
        let all = &mut self.profile.mapping;
        let id = *self.mappings.entry(key).or_insert_with(|| {
            let id = all.len() as u64 + 1;
            let (memory_start, memory_limit) = (was, mapping.memory_limit);
            all.push(Mapping { id, memory_start, memory_limit, ..key });
            id
        });
        // IDs count from 1, in the order of the table
        let at = usize::try_from(id).map_or(0, |id| id.wrapping_sub(1));
        let is = all.get(at).map_or(was, |mapping| mapping.memory_start);
        Placed { id, was, is }
    }

    /// The profile, without the samples whose values all came to zero.
    pub(super) fn finish(self) -> Profile {
        let mut profile = self.profile;
        profile.sample.retain(|sample| sample.value.iter().any(|value| *value != 0));
        profile
    }
}

#[derive(Clone, Copy)]
pub(super) enum Sign {
    Plus,
    Minus,
}

/// A mapping's new ID, and where it started in the profile read and starts in the one written.
#[derive(Clone, Copy, Default)]
struct Placed {
    id: u64,
    was: u64,
    is: u64,
}

pub(super) fn text_of(profile: &Profile, index: i64) -> &str {
    let index = usize::try_from(index).ok();
    index.and_then(|index| profile.string_table.get(index)).map_or("", String::as_str)
}
