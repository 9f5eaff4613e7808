//! A strict reader of both text formats: whatever a document must not have is an `Err`.

use std::collections::{BTreeMap, HashSet};

pub(crate) type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) unit: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    pub(crate) timestamp: Option<f64>,
    pub(crate) exemplar: Option<Exemplar>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    pub(crate) timestamp: Option<f64>,
}

type Read<T> = Result<T, String>;

/// Reads an OpenMetrics 1.0.0 document.
pub(crate) fn openmetrics(document: &str) -> Read<Vec<Family>> {
    let body = document.strip_suffix("# EOF\n").ok_or("no # EOF at the end")?;
    let families = families(body, true)?;
    let mut names = HashSet::new();
    for family in &families {
        let suffixes: &[&str] = match &*family.kind {
            "counter" => &["", "_total", "_created"],
            "histogram" => &["", "_bucket", "_sum", "_count", "_created"],
            "summary" => &["", "_sum", "_count", "_created"],
            "gauge" | "unknown" => &[""],
            other => return Err(format!("no such type: {other}")),
        };
        for suffix in suffixes {
            let name = format!("{}{suffix}", family.name);
            if !names.insert(name.clone()) {
                return Err(format!("clashing name: {name}"));
            }
        }
        if !family.unit.is_empty() && !family.name.ends_with(&format!("_{}", family.unit)) {
            return Err(format!("{} does not end with its unit", family.name));
        }
        check(family)?;
    }
    Ok(families)
}

/// Reads a document of the text format 0.0.4.
pub(crate) fn text(document: &str) -> Read<Vec<Family>> {
    let families = families(document, false)?;
    let mut names = HashSet::new();
    for family in &families {
        if !names.insert(&family.name) {
            return Err(format!("{} comes twice", family.name));
        }
    }
    Ok(families)
}

/// What OpenMetrics asks of a family of a type.
fn check(family: &Family) -> Read<()> {
    let allowed: &[&str] = match &*family.kind {
        "counter" => &["_total", "_created"],
        "histogram" => &["_bucket", "_sum", "_count", "_created"],
        "summary" => &["", "_sum", "_count", "_created"],
        _ => &[""],
    };
    let mut groups: Vec<(Labels, Vec<(&str, &Sample)>)> = Vec::new();
    for sample in &family.samples {
        let suffix = sample.name.strip_prefix(&*family.name).unwrap_or("?");
        if !allowed.contains(&suffix) {
            return Err(format!("{} in {} {}", sample.name, family.kind, family.name));
        }
        if sample.exemplar.is_some() && !matches!(suffix, "_bucket" | "_total") {
            return Err(format!("{} has an exemplar", sample.name));
        }
        if matches!(suffix, "_total" | "_bucket" | "_sum" | "_count")
            && (sample.value.is_nan() || sample.value < 0.0)
        {
            return Err(format!("{} is {}", sample.name, sample.value));
        }
        let mut labels = sample.labels.clone();
        match (&*family.kind, suffix) {
            ("histogram", "_bucket") => _ = labels.remove("le").ok_or("no le")?,
            ("summary", "") => {
                let quantile = labels.remove("quantile").ok_or("no quantile")?;
                if !(0.0..=1.0).contains(&quantile.parse::<f64>().map_err(|e| e.to_string())?) {
                    return Err(format!("quantile {quantile}"));
                }
            }
            _ => {}
        }
        let is_split = groups.iter().rev().skip(1).any(|(known, _)| *known == labels);
        match groups.last_mut() {
            Some((last, samples)) if *last == labels => samples.push((suffix, sample)),
            _ if is_split => return Err(format!("{} {labels:?} is split", family.name)),
            _ => groups.push((labels, vec![(suffix, sample)])),
        }
    }
    for (labels, samples) in &groups {
        for pair in samples.windows(2) {
            let [(_, before), (_, after)] = pair else { continue };
            let is_later = match (before.timestamp, after.timestamp) {
                (None, None) => before.name != after.name || before.labels != after.labels,
                (Some(before), Some(after)) => before <= after,
                _ => false,
            };
            if !is_later {
                return Err(format!("{} {labels:?} is not later", after.name));
            }
        }
        if family.kind == "histogram"
            && samples.iter().all(|(_, sample)| sample.timestamp.is_none())
        {
            histogram(samples)?;
        }
    }
    Ok(())
}

fn histogram(samples: &[(&str, &Sample)]) -> Read<()> {
    let of = |suffix: &str| samples.iter().find(|(of, _)| *of == suffix).map(|(_, s)| s.value);
    let (mut bound, mut count) = (f64::NEG_INFINITY, 0.0);
    for (_, sample) in samples.iter().filter(|(suffix, _)| *suffix == "_bucket") {
        let le = &sample.labels["le"];
        let next: f64 = le.parse().map_err(|_| format!("le {le}"))?;
        let grows = next > bound && sample.value >= count;
        if !grows || next < 0.0 {
            return Err(format!("{} {le} is out of order", sample.name));
        }
        if next.is_finite() && !le.contains(['.', 'e']) {
            return Err(format!("{} {le} is not canonical", sample.name));
        }
        (bound, count) = (next, sample.value);
    }
    match bound == f64::INFINITY && of("_count") == Some(count) && of("_sum").is_some() {
        true => Ok(()),
        false => Err(format!("{samples:?} is not a whole histogram")),
    }
}

fn families(body: &str, open: bool) -> Read<Vec<Family>> {
    let mut families: Vec<Family> = Vec::new();
    let mut lines = body.split('\n').collect::<Vec<_>>();
    if lines.pop() != Some("") {
        return Err("the last line does not end".into());
    }
    for line in lines {
        if let Some(about) = line.strip_prefix("# ") {
            let mut parts = about.splitn(3, ' ');
            let (keyword, name) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            let told = parts.next().ok_or_else(|| format!("cut: {line}"))?;
            is_name(name, true)?;
            if families.last().is_none_or(|last| last.name != name) {
                families.push(Family { name: name.into(), ..Family::default() });
            }
            let family = families.last_mut().ok_or("no family")?;
            if !family.samples.is_empty() {
                return Err(format!("late: {line}"));
            }
            let (place, told) = match keyword {
                "TYPE" => (&mut family.kind, told.to_owned()),
                "UNIT" if open => (&mut family.unit, told.to_owned()),
                "HELP" => (&mut family.help, unescape(told, open)?),
                _ => return Err(format!("no such keyword: {line}")),
            };
            if !std::mem::replace(place, told).is_empty() {
                return Err(format!("twice: {line}"));
            }
            continue;
        }
        let sample = sample(line, open)?;
        let family = families.last_mut().ok_or_else(|| format!("of no family: {line}"))?;
        if !sample.name.starts_with(&family.name) {
            return Err(format!("{} in {}", sample.name, family.name));
        }
        family.samples.push(sample);
    }
    Ok(families)
}

fn sample(line: &str, open: bool) -> Read<Sample> {
    let end = line.find(['{', ' ']).ok_or_else(|| format!("no value: {line}"))?;
    let (name, mut rest) = line.split_at(end);
    is_name(name, true)?;
    let mut labels = Labels::new();
    if rest.starts_with('{') {
        (labels, rest) = label_set(rest)?;
    }
    let rest = rest.strip_prefix(' ').ok_or_else(|| format!("no value: {line}"))?;
    let (own, exemplar) = match rest.split_once(" # ") {
        Some((own, exemplar)) if open => (own, Some(exemplar)),
        _ => (rest, None),
    };
    let (value, timestamp) = value_and_time(own)?;
    let exemplar = exemplar.map(|text| -> Read<_> {
        let (labels, rest) = label_set(text)?;
        let length =
            |(name, value): (&String, &String)| name.chars().count() + value.chars().count();
        if labels.iter().map(length).sum::<usize>() > 128 {
            return Err(format!("a long exemplar: {line}"));
        }
        let (value, timestamp) = value_and_time(rest.strip_prefix(' ').ok_or("no value")?)?;
        Ok(Exemplar { labels, value, timestamp })
    });
    let exemplar = exemplar.transpose()?;
    Ok(Sample { name: name.into(), labels, value, timestamp, exemplar })
}

fn value_and_time(text: &str) -> Read<(f64, Option<f64>)> {
    let number = |text: &str| match text {
        "NaN" => Ok(f64::NAN),
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        _ if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
            text.parse().map_err(|_| format!("no number: {text}"))
        }
        _ => Err(format!("no number: {text}")),
    };
    match text.split_once(' ') {
        None => Ok((number(text)?, None)),
        Some((value, time)) => Ok((number(value)?, Some(number(time)?))),
    }
}

fn label_set(text: &str) -> Read<(Labels, &str)> {
    let mut rest = text.strip_prefix('{').ok_or("no labels")?;
    let mut labels = Labels::new();
    while !rest.starts_with('}') {
        let (name, after) = rest.split_once("=\"").ok_or_else(|| format!("no label: {rest}"))?;
        is_name(name, false)?;
        let mut escaped = false;
        let end = after.find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let (value, after) = after.split_at(end.ok_or_else(|| format!("unclosed: {rest}"))?);
        if labels.insert(name.into(), unescape(value, true)?).is_some() {
            return Err(format!("{name} twice: {text}"));
        }
        rest = after.strip_prefix('"').unwrap_or(after);
        match rest.strip_prefix(',') {
            Some(more) if !more.starts_with('}') => rest = more,
            None if rest.starts_with('}') => {}
            _ => return Err(format!("neither , nor }}: {rest}")),
        }
    }
    Ok((labels, rest.strip_prefix('}').unwrap_or(rest)))
}

fn unescape(text: &str, quotes: bool) -> Read<String> {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push(match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if quotes => '"',
                _ => return Err(format!("no such escape: {text}")),
            }),
            '"' if quotes => return Err(format!("a plain quote: {text}")),
            plain => out.push(plain),
        }
    }
    Ok(out)
}

fn is_name(name: &str, colons: bool) -> Read<()> {
    let is_in = |character: char| {
        character.is_ascii_alphanumeric() || character == '_' || (colons && character == ':')
    };
    match !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(is_in)
    {
        true => Ok(()),
        false => Err(format!("no name: {name}")),
    }
}
