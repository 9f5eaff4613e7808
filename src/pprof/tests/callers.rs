use crate::pprof::callers::callers;
use crate::pprof::proto::{self, Function, Line, Location, Sample};
use crate::pprof::{FunctionValue, Profile};

/// A profile of stacks, the leaf first; functions at one place are inlined.
fn profile(stacks: &[(&[&[&str]], i64)]) -> Profile {
    let mut profile = proto::Profile {
        string_table: ["", "inuse_space", "bytes"].map(String::from).to_vec(),
        sample_type: vec![proto::ValueType { kind: 1, unit: 2 }],
        ..proto::Profile::default()
    };
    for (stack, value) in stacks {
        let mut location_id = Vec::new();
        for functions in *stack {
            let mut line = Vec::new();
            for name in *functions {
                let at = profile.string_table.len() as i64;
                profile.string_table.push((*name).to_owned());
                let function_id = at as u64;
                profile.function.push(Function {
                    id: function_id,
                    name: at,
                    ..Function::default()
                });
                line.push(Line { function_id, ..Line::default() });
            }
            let id = profile.location.len() as u64 + 1;
            profile.location.push(Location { id, line, ..Location::default() });
            location_id.push(id);
        }
        profile.sample.push(Sample { location_id, value: vec![*value], label: Vec::new() });
    }
    Profile::decode(&Profile::new(profile).encode()).unwrap()
}

const MALLOC: &[&[&str]] = &[&["prof_backtrace_impl"], &["imalloc", "_rjem_malloc"]];

fn told(stacks: &[(&[&[&str]], i64)]) -> Vec<(String, i64, i64)> {
    let profile = callers(profile(stacks));
    // it is whole still
    let profile = Profile::decode(&profile.encode()).unwrap();
    let told = |of: FunctionValue| (of.name, of.flat, of.cumulative);
    profile.functions("inuse_space").unwrap().into_iter().map(told).collect()
}

fn of(rest: &'static [&'static [&'static str]]) -> Vec<&'static [&'static str]> {
    [MALLOC, rest].concat()
}

#[test]
fn the_caller_comes_first() {
    let from_elem: &[&[&str]] = &[
        &["__rustc::__rust_alloc", "alloc::alloc::alloc"],
        &[
            "<u8 as alloc::vec::spec_from_elem::SpecFromElem>::from_elem",
            "app::inlined",
            "app::leak",
        ],
        &["core::ops::function::FnOnce::call_once"],
        &["app::main"],
    ];
    assert_eq!(
        told(&[(&of(from_elem), 7), (&of(&[&["c_caller"], &["app::main"]]), 2)]),
        [
            ("app::inlined".to_owned(), 7, 7),
            ("c_caller".to_owned(), 2, 2),
            ("app::main".to_owned(), 0, 9),
            ("app::leak".to_owned(), 0, 7),
            ("core::ops::function::FnOnce::call_once".to_owned(), 0, 7),
        ]
    );
}

#[test]
fn what_the_profiler_holds_is_left_out() {
    let dump: &[&[&str]] =
        &[&["app_like"], &["jemalloc_pprof::JemallocProfCtl::dump_pprof"], &["main"]];
    let decode: &[&[&str]] = &[&["<tower_observability::pprof::profile::Profile>::decode"]];
    let users: &[&[&str]] = &[&["app::tower_observability::pprof::user"]];
    let stacks = [of(dump), of(decode), of(users)];
    assert_eq!(
        told(&[(&stacks[0], 1), (&stacks[1], 2), (&stacks[2], 4)]),
        [("app::tower_observability::pprof::user".to_owned(), 4, 4)]
    );
}

#[test]
fn what_has_no_other_caller_stays() {
    let std: &[&[&str]] = &[
        &["<tikv_jemallocator::Jemalloc as core::alloc::GlobalAlloc>::alloc"],
        &["std::rt::init"],
    ];
    assert_eq!(told(&[(&of(std), 3)]), [("std::rt::init".to_owned(), 3, 3)]);
    assert_eq!(
        told(&[(MALLOC, 3)]),
        [("prof_backtrace_impl", 3), ("_rjem_malloc", 0), ("imalloc", 0)].map(|(name, flat)| (
            name.to_owned(),
            flat,
            3
        ))
    );
    // not from an allocator at all
    assert_eq!(told(&[(&[&["core::x"], &["a"]], 3)])[0], ("core::x".to_owned(), 3, 3));
    assert_eq!(told(&[(&[&["my__rust_alloc"], &["a"]], 3)])[0].1, 3);
}
