//! What a handler adds to its exchange: named values, bounded in number and size.

use std::borrow::Cow;

/// The value of an attribute, made from text, numbers and truth values.
///
/// A `u64` or a `usize` beyond [`i64::MAX`] becomes that. A duration has no one unit: say which by
/// the name, as in `annotate("wait_ms", wait.as_millis() as u64)` or
/// `annotate("wait.seconds", wait.as_secs_f64())`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Text, cut to [`Value::MAX_TEXT`] bytes on a character boundary when it is recorded.
    Text(Cow<'static, str>),
    /// A signed integer.
    Int(i64),
    /// A floating-point number; not-a-number and the infinities are written as `null`.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

impl Value {
    /// The most bytes a recorded text keeps.
    pub const MAX_TEXT: usize = 1024;

    fn bounded(self) -> Self {
        match self {
            Self::Text(text) if text.len() > Self::MAX_TEXT => {
                let end = text.floor_char_boundary(Self::MAX_TEXT);
                Self::Text(Cow::Owned(text[..end].to_owned()))
            }
            other => other,
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $into:expr),+ $(,)?) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        })+
    };
}

/// Of an unsigned integer: one beyond [`i64::MAX`] becomes that.
fn saturating(value: impl TryInto<i64>) -> Value {
    Value::Int(value.try_into().unwrap_or(i64::MAX))
}

value_from! {
    &'static str => |v| Self::Text(Cow::Borrowed(v)),
    String => |v| Self::Text(Cow::Owned(v)),
    &String => |v| Self::Text(Cow::Owned(v.clone())),
    Cow<'static, str> => |v| Self::Text(v),
    i64 => |v| Self::Int(v),
    i32 => |v| Self::Int(v.into()),
    i16 => |v| Self::Int(v.into()),
    i8 => |v| Self::Int(v.into()),
    u64 => |v| saturating(v),
    usize => |v| saturating(v),
    u32 => |v| Self::Int(v.into()),
    u16 => |v| Self::Int(v.into()),
    u8 => |v| Self::Int(v.into()),
    f64 => |v| Self::Float(v),
    f32 => |v| Self::Float(v.into()),
    bool => |v| Self::Bool(v),
}

#[cfg(feature = "trace")]
impl From<Value> for opentelemetry::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => text.into(),
            Value::Int(number) => number.into(),
            Value::Float(number) => number.into(),
            Value::Bool(truth) => truth.into(),
        }
    }
}

/// The attributes of one exchange, in the order in which their keys were first set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(Cow<'static, str>, Value)>);

impl Attributes {
    /// The most attributes one exchange keeps; setting a further key is refused.
    pub const MAX: usize = 64;
    /// The most bytes a key may have; a longer one is refused.
    pub const MAX_KEY: usize = 128;

    /// Sets `key`, replacing an earlier value; `false` when a bound refuses it.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> bool {
        let (key, value) = (key.into(), value.into().bounded());
        if key.is_empty() || key.len() > Self::MAX_KEY {
            return false;
        }
        if let Some((_, old)) = self.0.iter_mut().find(|(known, _)| *known == key) {
            *old = value;
            return true;
        }
        if self.0.len() >= Self::MAX {
            return false;
        }
        self.0.push((key, value));
        true
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Every key and value, oldest key first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// As [`iter`](Self::iter), with keys that can be kept without a copy where they are `'static`.
    #[cfg(feature = "trace")]
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(Cow<'static, str>, Value)> {
        self.0.iter()
    }

    /// Whether nothing was set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_twice_keeps_its_place_and_its_last_value() {
        let mut attributes = Attributes::default();
        assert!(attributes.is_empty());
        assert!(attributes.set("user.id", "ada"));
        assert!(attributes.set("cart.items", 3));
        assert!(attributes.set("user.id", String::from("bob")));
        let all: Vec<_> = attributes.iter().collect();
        assert_eq!(all, [("user.id", &Value::Text("bob".into())), ("cart.items", &Value::Int(3))]);
        assert_eq!(attributes.get("cart.items"), Some(&Value::Int(3)));
        assert_eq!(attributes.get("cart"), None);
        assert!(!attributes.is_empty());
    }

    #[test]
    fn values_are_made_of_what_handlers_have() {
        let text = String::from("ada");
        assert_eq!(Value::from(&text), Value::Text("ada".into()));
        assert_eq!(Value::from([1, 2].len()), Value::Int(2));
        assert_eq!(Value::from(7_u64), Value::Int(7));
        assert_eq!(Value::from(i64::MAX as u64 + 1), Value::Int(i64::MAX));
        assert_eq!(Value::from(usize::MAX), Value::Int(i64::MAX));
        assert_eq!(Value::from(-3_i8), Value::Int(-3));
        assert_eq!(Value::from(-300_i16), Value::Int(-300));
        assert_eq!(Value::from(0.5_f32), Value::Float(0.5));
    }

    #[test]
    fn number_and_sizes_are_bounded() {
        let mut attributes = Attributes::default();
        for index in 0..Attributes::MAX {
            assert!(attributes.set(format!("k{index}"), true));
        }
        assert!(!attributes.set("one too many", true));
        assert!(attributes.set("k0", 2.5), "a known key can still change");
        let mut attributes = Attributes::default();
        assert!(!attributes.set("", 1));
        assert!(attributes.set("k".repeat(Attributes::MAX_KEY), 1));
        assert!(!attributes.set("k".repeat(Attributes::MAX_KEY + 1), 1));
        assert!(attributes.set("text", "é".repeat(Value::MAX_TEXT)));
        assert_eq!(attributes.get("text"), Some(&Value::from("é".repeat(Value::MAX_TEXT / 2))));
        let exact = "x".repeat(Value::MAX_TEXT);
        attributes.set("text", exact.clone());
        assert_eq!(attributes.get("text"), Some(&Value::from(exact)));
    }
}
