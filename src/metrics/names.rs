//! Names of metrics and labels by Prometheus' grammar, and the labels that every series carries.
//!
//! The grammar is that of <https://prometheus.io/docs/concepts/data_model/>, in the form that every
//! version of Prometheus reads and no format needs to quote.

use std::collections::HashMap;

use prometheus::proto::LabelPair;

use crate::config::ConfigError;
use crate::metric_name::checked;
pub(crate) use crate::metric_name::{metric_name, prefix, prefixed};

/// Checks the name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`, without the leading `__` that Prometheus
/// keeps to itself.
pub(crate) fn label_name(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let allowed = "letters, digits and _, no digit first, and no leading __";
    if name.starts_with("__") {
        return Err(ConfigError::new(field, name, allowed));
    }
    checked(field, name, allowed, |byte| byte.is_ascii_alphabetic() || byte == b'_')
}

/// A name of OpenTelemetry's as Prometheus writes it.
pub(crate) fn prometheus_label(name: &str) -> String {
    name.replace('.', "_")
}

/// One label in the model of `prometheus`.
pub(crate) fn label_pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

/// Labels that have the same value in every series, sorted by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConstantLabels(Box<[(String, String)]>);

impl ConstantLabels {
    /// Checks each name: by the grammar, given once, and none of `own`, the labels that the
    /// metrics have anyway. A label with an empty value is left out: that is what it means.
    pub(crate) fn new(
        field: &'static str,
        labels: impl IntoIterator<Item = (String, String)>,
        own: &[&str],
    ) -> Result<Self, ConfigError> {
        let mut labels: Vec<_> = labels.into_iter().collect();
        labels.sort();
        for (name, _) in &labels {
            label_name(field, name)?;
            if own.contains(&name.as_str()) {
                return Err(ConfigError::new(field, name, "no label that the metrics have anyway"));
            }
        }
        for pair in labels.windows(2) {
            if let [(before, _), (name, _)] = pair
                && before == name
            {
                return Err(ConfigError::new(field, name, "each label once"));
            }
        }
        labels.retain(|(_, value)| !value.is_empty());
        Ok(Self(labels.into()))
    }

    /// Names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// These labels alone.
    pub(crate) fn pairs(&self) -> Vec<LabelPair> {
        self.pairs_with([])
    }

    /// These labels and those of one series, sorted by their names. A label with an empty value is
    /// left out: that is what it means.
    pub(crate) fn pairs_with<'a>(
        &'a self,
        own: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<LabelPair> {
        let own = own.into_iter().filter(|(_, value)| !value.is_empty());
        let mut labels: Vec<_> = self.iter().chain(own).collect();
        labels.sort_unstable_by_key(|(name, _)| *name);
        labels.into_iter().map(|(name, value)| label_pair(name, value)).collect()
    }

    /// What [`Desc::new`](prometheus::core::Desc::new) takes.
    pub(crate) fn to_map(&self) -> HashMap<String, String> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Result<ConstantLabels, ConfigError> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        ConstantLabels::new("constant_labels", pairs, &["le"])
    }

    #[test]
    fn names_follow_the_grammar() {
        for good in ["a", "_", ":", "a9", "_9", "a:b_9"] {
            assert_eq!(metric_name("prefix", good), Ok(()), "{good}");
        }
        for bad in ["", "9", "9a", "a-b", "a b", "a.b", "ä", "a\n", "a\0"] {
            let error = metric_name("prefix", bad).unwrap_err();
            assert_eq!((error.field(), error.value()), ("prefix", bad));
            assert_eq!(label_name("label", bad).unwrap_err().value(), bad);
        }
        for good in ["a", "_", "a9", "_9", "a__b"] {
            assert_eq!(label_name("label", good), Ok(()), "{good}");
        }
        for bad in [":", "a:b", "__", "__name__"] {
            assert_eq!(
                label_name("label", bad).unwrap_err().to_string(),
                format!(
                    "label: {bad:?} is not allowed; it takes letters, digits and _, no digit \
                     first, and no leading __"
                )
            );
        }
    }

    #[test]
    fn a_prefix_goes_before_the_name() {
        assert_eq!(prefixed("", "up"), "up");
        assert_eq!(prefixed("shop", "up"), "shop_up");
    }

    #[test]
    fn labels_are_sorted_and_empty_ones_left_out() {
        let constant = labels(&[("zone", "b"), ("empty", ""), ("app", "shop")]).unwrap();
        assert_eq!(constant.iter().collect::<Vec<_>>(), [("app", "shop"), ("zone", "b")]);
        assert_eq!(constant.pairs(), [label_pair("app", "shop"), label_pair("zone", "b")]);
        assert_eq!(
            constant.pairs_with([("worker", "0")]),
            [label_pair("app", "shop"), label_pair("worker", "0"), label_pair("zone", "b")]
        );
        let map = HashMap::from([("app".into(), "shop".into()), ("zone".into(), "b".into())]);
        assert_eq!(constant.to_map(), map);
    }

    #[test]
    fn labels_that_cannot_be_used_are_refused_by_name() {
        for (bad, named) in [
            (&[("a-b", "x")][..], "a-b"),
            (&[("le", "x")], "le"),
            (&[("app", "x"), ("zone", "y"), ("app", "x")], "app"),
        ] {
            let error = labels(bad).unwrap_err();
            assert_eq!((error.field(), error.value()), ("constant_labels", named));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_prometheus_takes_as_well(
            metric in "[a-z_:9é-]{0,4}",
            label in "[a-z_:9é-]{0,4}",
            value in ".*",
        ) {
            let ours = metric_name("name", &metric).is_ok() && label_name("label", &label).is_ok();
            let labels = HashMap::from([(label.clone(), value)]);
            let theirs = prometheus::core::Desc::new(metric, "help".into(), vec![], labels).is_ok();
            prop_assert_eq!(ours, theirs && !label.starts_with("__"));
        }
    }
}
