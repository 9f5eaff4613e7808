use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::pprof::proto::{self, Function, Label, Line, Location, Mapping};
use crate::pprof::tables::{Sign, Tables};
use crate::pprof::{DecodeError, DiffError, FunctionValue, Profile};

/// A stack, the leaf first: the numbers of its functions.
type Stack = Vec<u8>;
type Values = BTreeMap<Stack, i64>;

fn values() -> impl Strategy<Value = Vec<(Stack, i64)>> {
    prop::collection::vec((prop::collection::vec(0_u8..4, 1..4), -50_i64..50), 0..12)
}

/// A profile of these; `load` is where the executable was loaded to, `first` the first function written.
fn profile(samples: &[(Stack, i64)], load: u64, first: u8) -> Profile {
    let mut strings = vec![String::new(), "inuse_space".to_owned(), "bytes".to_owned()];
    let mut profile = proto::Profile {
        sample_type: vec![proto::ValueType { kind: 1, unit: 2 }],
        mapping: vec![Mapping {
            id: 9,
            memory_start: load,
            memory_limit: load + 0x1000,
            ..Mapping::default()
        }],
        ..proto::Profile::default()
    };
    for nth in 0..4 {
        let number = (nth + first) % 4;
        let name = strings.len() as i64;
        strings.push(format!("f{number}"));
        let id = u64::from(number) * 7 + 3;
        profile.function.push(Function { id, name, ..Function::default() });
        profile.location.push(Location {
            id: id + u64::from(first),
            mapping_id: 9,
            address: load + id,
            line: vec![Line { function_id: id, line: 1, column: 0 }],
            is_folded: false,
        });
    }
    for (stack, value) in samples {
        let location_id = stack.iter().map(|n| u64::from(*n) * 7 + 3 + u64::from(first)).collect();
        let label = vec![];
        profile.sample.push(proto::Sample { location_id, value: vec![*value], label });
    }
    profile.string_table = strings;
    use prost::Message;
    Profile::decode(&profile.encode_to_vec()).unwrap()
}

/// What the samples of a stack sum up to, by a way of its own.
fn sums(samples: &[(Stack, i64)], sign: i64, into: &mut Values) {
    for (stack, value) in samples {
        *into.entry(stack.clone()).or_default() += sign * value;
    }
}

fn canonical(values: &Values) -> Profile {
    let samples: Vec<_> = values.iter().map(|(stack, value)| (stack.clone(), *value)).collect();
    let of = profile(&samples, 0, 0);
    of.diff(&profile(&[], 0, 0)).unwrap()
}

proptest! {
    #[test]
    fn a_diff_subtracts_stack_by_stack(
        after in values(), before in values(), load in 0_u64..1 << 40, first in 0_u8..4,
    ) {
        // neither IDs nor addresses are the same in the two
        let diff = profile(&after, 0, 0).diff(&profile(&before, load, first)).unwrap();
        let mut expected = Values::new();
        sums(&after, 1, &mut expected);
        sums(&before, -1, &mut expected);
        expected.retain(|_, value| *value != 0);
        prop_assert_eq!(diff.stacks(), expected.len());
        prop_assert_eq!(diff.total("inuse_space"), Some(expected.values().sum()));
        // less what is expected, nothing is left
        let left = diff.diff(&canonical(&expected)).unwrap();
        prop_assert_eq!(left.stacks(), 0);
    }

    #[test]
    fn a_profile_less_itself_is_nothing(samples in values(), load in 0_u64..1 << 40) {
        let diff = profile(&samples, 0, 0).diff(&profile(&samples, load, 3)).unwrap();
        prop_assert_eq!(diff.stacks(), 0);
    }

    #[test]
    fn what_is_encoded_decodes(samples in values()) {
        let profile = profile(&samples, 5, 1);
        prop_assert_eq!(Profile::decode(&profile.encode()), Ok(profile));
    }

    #[test]
    fn no_bytes_break_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Profile::decode(&bytes).map(|profile| profile.diff(&profile));
    }

    #[test]
    fn no_damage_breaks_what_follows(samples in values(), at in any::<prop::sample::Index>(), byte: u8) {
        use prost::Message;
        let mut bytes = profile(&samples, 5, 1).0.encode_to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(profile) = Profile::decode(&bytes) {
            let left = profile.diff(&profile).unwrap();
            prop_assert_eq!(left.stacks(), 0);
            let types: Vec<String> = profile.sample_types().map(|(kind, _)| kind.to_owned()).collect();
            prop_assert!(types.iter().all(|kind| profile.functions(kind).is_some()));
        }
    }
}

#[test]
fn functions_are_told_by_what_is_measured_in_them() {
    let profile = profile(&[(vec![1, 0], 5), (vec![2, 1, 0], 3), (vec![1, 1], 1)], 0, 0);
    let of =
        |name: &str, flat, cumulative| FunctionValue { name: name.to_owned(), flat, cumulative };
    let expected = vec![of("f1", 6, 9), of("f2", 3, 3), of("f0", 0, 8)];
    assert_eq!(profile.functions("inuse_space"), Some(expected));
    assert_eq!(profile.functions("cpu"), None);
    assert_eq!(profile.total("cpu"), None);
}

#[test]
fn labels_keep_stacks_apart() {
    let mut tables = Tables::new();
    let types = vec![tables.value_type("samples", "count")];
    let key = tables.string("thread");
    for (thread, value) in [("a", 1), ("b", 2), ("a", 3)] {
        let label = Label { key, str: tables.string(thread), ..Label::default() };
        tables.sample((vec![], vec![label]), &[value], Sign::Plus);
    }
    let mut profile = tables.finish();
    profile.sample_type = types;
    let values: Vec<_> = profile.sample.iter().map(|sample| sample.value.clone()).collect();
    assert_eq!(values, [[4], [2]]);
}

#[test]
fn what_measures_something_else_is_no_base() {
    let heap = profile(&[], 0, 0);
    let mut cpu = heap.clone();
    cpu.0.string_table[1] = "cpu".to_owned();
    assert_eq!(heap.diff(&cpu), Err(DiffError));
}

#[test]
fn what_is_no_profile_is_refused() {
    use prost::Message;
    assert_eq!(Profile::decode(b"\x1f\x8bxx"), Err(DecodeError::Gzip));
    assert_eq!(Profile::decode(b"\xff"), Err(DecodeError::Protobuf));
    assert_eq!(Profile::decode(b""), Err(DecodeError::Malformed("string_table")));
    let large = vec![0; Profile::MAX_BYTES + 1];
    assert_eq!(Profile::decode(&large), Err(DecodeError::TooLarge));

    type Damage = fn(&mut proto::Profile);
    let whole = profile(&[(vec![0], 1)], 0, 0);
    let damages: [(&str, Damage); 8] = [
        ("string_table", |p| p.string_table[0].push('x')),
        ("sample_type", |p| p.sample_type[0].unit = -1),
        ("header", |p| p.comment.push(1000)),
        ("mapping", |p| p.mapping[0].id = 0),
        ("function", |p| p.function[1].id = p.function[0].id),
        ("location", |p| p.location[0].line[0].function_id = 1000),
        ("sample value", |p| p.sample[0].value.push(1)),
        ("sample location", |p| p.sample[0].location_id[0] = 1000),
    ];
    for (what, damage) in damages {
        let mut damaged = whole.0.clone();
        damage(&mut damaged);
        let read = Profile::decode(&damaged.encode_to_vec());
        assert_eq!(read, Err(DecodeError::Malformed(what)));
    }
}

/// A few bytes that unpack to more than is allowed.
#[test]
fn a_bomb_is_refused() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..65 {
        gzip.write_all(&zeros).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert_eq!(Profile::decode(&bomb), Err(DecodeError::TooLarge));
}
