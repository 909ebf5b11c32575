//! The user's choice of the weights inside a file.

use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// Where the weights are inside a file. By default the loader searches for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Select {
    /// Keys of the dictionary that holds the weights, joined by dots. Prefixes inside it are still
    /// detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The prefix of each key of the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Renames of keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rename: Vec<Rename>,
    /// Tensors to ignore.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Glob>,
}

impl Select {
    /// The renames and the ignored names, compiled once.
    pub(super) fn names(&self) -> Names<'_> {
        let rename = self.rename.iter().filter_map(|Rename { from, to }| {
            // Only `FromStr` and serde create a rename, and both compile it.
            Some((Regex::new(from).ok()?, to.as_str()))
        });
        Names {
            rename: rename.collect(),
            ignore: &self.ignore,
        }
    }

    /// Whether the selection allows weights below `at` (keys, each followed by a dot, or empty).
    pub(super) fn takes(&self, at: &str) -> bool {
        let below = |key: &str| match key.trim_end_matches('.') {
            "" => true,
            key => at
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('.')),
        };
        let after = |prefix: &str| match prefix.trim_end_matches('.') {
            "" => {
                at.is_empty()
                    || self
                        .key
                        .as_deref()
                        .is_some_and(|key| at.trim_end_matches('.') == key)
            }
            prefix => {
                let before = at.strip_suffix('.').and_then(|at| at.strip_suffix(prefix));
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        };
        self.key.as_deref().is_none_or(below) && self.prefix.as_deref().is_none_or(after)
    }
}

/// Compiled renames and ignored names.
pub(super) struct Names<'a> {
    rename: Vec<(Regex, &'a str)>,
    ignore: &'a [Glob],
}

impl Names<'_> {
    /// A tensor's name after the renames and the offset of its own key in it, or `None` if the tensor is
    /// ignored. `own` is the offset in `name`, after the keys of the dictionaries around it.
    pub(super) fn of(&self, name: &str, own: usize) -> Option<(String, usize)> {
        let ignored = |name: &str| self.ignore.iter().any(|glob| glob.matches(name));
        if ignored(name) || ignored(&name[own..]) {
            return None;
        }
        let (mut name, mut own) = (name.to_owned(), own);
        for (from, to) in &self.rename {
            let (around, key) = name.split_at(own);
            if from.is_match(key) {
                name = format!("{around}{}", from.replace_all(key, *to));
            } else if from.is_match(&name) {
                let renamed = from.replace_all(&name, *to).into_owned();
                // If the dictionaries' keys have changed, the offset of the own key is unknown.
                own = if renamed.starts_with(around) { own } else { 0 };
                name = renamed;
            }
        }
        Some((name, own))
    }
}

/// A regular expression and the replacement of its matches in a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rename {
    from: String,
    to: String,
}

impl FromStr for Rename {
    type Err = String;

    /// Parses `REGEX=REPLACEMENT`, split at the last `=`; `$1` refers to the first group.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.rsplit_once('=') else {
            return Err(format!(
                "expected REGEX=REPLACEMENT, such as '^encoder\\.=', not {text}"
            ));
        };
        Regex::new(from).map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim().to_owned();
            format!("{from} is not a regular expression: {last}")
        })?;
        Ok(Self {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }
}

impl TryFrom<String> for Rename {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rename> for String {
    fn from(Rename { from, to }: Rename) -> Self {
        format!("{from}={to}")
    }
}

/// A name pattern in which `*` matches any text and `?` one character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

impl Glob {
    /// Creates a pattern; every text is valid.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at, mut of_name) = (0, 0);
        // The position after the latest star, and the end of the text that the star matches.
        let mut star = None;
        while of_name < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    at += 1;
                    star = Some((at, of_name));
                }
                Some(&letter) if letter == b'?' || letter == name[of_name] => {
                    at += 1;
                    of_name += 1;
                }
                _ => {
                    let Some((behind, end)) = star else {
                        return false;
                    };
                    (at, of_name) = (behind, end + 1);
                    star = Some((behind, of_name));
                }
            }
        }
        pattern[at..].iter().all(|&letter| letter == b'*')
    }
}

impl FromStr for Glob {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(key: Option<&str>, prefix: Option<&str>) -> Select {
        Select {
            key: key.map(str::to_owned),
            prefix: prefix.map(str::to_owned),
            ..Select::default()
        }
    }

    #[test]
    fn a_key_takes_what_lies_below_it() {
        let teacher = select(Some("teacher"), None);
        assert!(teacher.takes("teacher."));
        assert!(teacher.takes("teacher.backbone."));
        assert!(!teacher.takes("teacher2."));
        assert!(!teacher.takes(""));
        assert!(select(None, None).takes(""));
    }

    #[test]
    fn a_prefix_takes_what_ends_in_it() {
        let backbone = select(None, Some("backbone."));
        assert!(backbone.takes("backbone."));
        assert!(backbone.takes("state_dict.backbone."));
        assert!(!backbone.takes("state_dict.my_backbone."));
        assert!(!backbone.takes(""));
        assert!(select(Some("model"), Some("module")).takes("model.module."));
        assert!(select(None, Some("")).takes(""));
        assert!(!select(None, Some("")).takes("module."));
    }

    #[test]
    fn a_rename_is_split_at_its_last_sign_and_goes_by_the_tensors_own_key() {
        let rename: Rename = r"^a(=?)b\.=c.$1".parse().unwrap();
        let select = Select {
            rename: vec![rename],
            ignore: vec![Glob::new("*.queue")],
            ..Select::default()
        };
        let name = |name, own| select.names().of(name, own).map(|(name, _)| name);
        assert_eq!(name("model.a=b.w", 6).as_deref(), Some("model.c.=w"));
        assert_eq!(name("ab.w", 0).as_deref(), Some("c.w"));
        assert_eq!(name("model.queue", 0), None);
        let wrong = "no sign".parse::<Rename>().unwrap_err();
        assert!(wrong.starts_with("expected REGEX=REPLACEMENT"), "{wrong}");
        let wrong = "(=x".parse::<Rename>().unwrap_err();
        assert!(
            wrong.starts_with("( is not a regular expression"),
            "{wrong}"
        );
    }

    #[test]
    fn a_rename_may_name_the_dictionary_too() {
        let rename = |rows: &[&str], name: &str, own| {
            let rename = rows.iter().map(|row| row.parse().unwrap()).collect();
            let select = Select {
                rename,
                ..Select::default()
            };
            select.names().of(name, own).unwrap()
        };
        let found = rename(&[r"^state_dict\.="], "state_dict.fc.bias", 11);
        assert_eq!(found, ("fc.bias".to_owned(), 0));
        // A later row sees the whole of a name whose beginning has changed.
        let found = rename(&[r"^日本\.=", "語=fc"], "日本.語.weight", 7);
        assert_eq!(found, ("fc.weight".to_owned(), 0));
    }
}
