//! Whether a decoded profile is whole: every ID and every string index leads somewhere.

use std::collections::HashSet;

use super::error::DecodeError;
use super::proto::Profile;

pub(super) fn check(profile: &Profile) -> Result<(), DecodeError> {
    let strings = profile.string_table.len();
    require(profile.string_table.first().is_some_and(String::is_empty), "string_table")?;
    let text = |index: i64| usize::try_from(index).is_ok_and(|index| index < strings);

    let types = profile.sample_type.iter().chain(&profile.period_type);
    require(types.into_iter().all(|of| text(of.kind) && text(of.unit)), "sample_type")?;
    let header =
        [profile.drop_frames, profile.keep_frames, profile.default_sample_type, profile.doc_url];
    require(header.iter().chain(&profile.comment).all(|index| text(*index)), "header")?;

    let mut mappings = HashSet::new();
    let mut new = |id: u64| id != 0 && mappings.insert(id);
    let mut all = profile.mapping.iter();
    require(all.all(|m| new(m.id) && text(m.filename) && text(m.build_id)), "mapping")?;

    let mut functions = HashSet::new();
    let mut new = |id: u64| id != 0 && functions.insert(id);
    let mut all = profile.function.iter();
    require(
        all.all(|f| new(f.id) && text(f.name) && text(f.system_name) && text(f.filename)),
        "function",
    )?;

    let mut locations = HashSet::new();
    for location in &profile.location {
        let mapped = location.mapping_id == 0 || mappings.contains(&location.mapping_id);
        let known = |id: u64| id == 0 || functions.contains(&id);
        let named = location.line.iter().all(|line| known(line.function_id));
        let new = location.id != 0 && locations.insert(location.id);
        require(new && mapped && named, "location")?;
    }
    for sample in &profile.sample {
        require(sample.value.len() == profile.sample_type.len(), "sample value")?;
        require(sample.location_id.iter().all(|id| locations.contains(id)), "sample location")?;
        let mut labels = sample.label.iter();
        require(labels.all(|l| text(l.key) && text(l.str) && text(l.num_unit)), "sample label")?;
    }
    Ok(())
}

fn require(held: bool, what: &'static str) -> Result<(), DecodeError> {
    if held { Ok(()) } else { Err(DecodeError::Malformed(what)) }
}
