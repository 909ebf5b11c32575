//! Finds the last layer of a network in a file, whatever its name.

use super::index::{Index, first_key};

/// The last layer in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// One dense layer.
    Linear {
        /// Its name in the file, without `.weight`.
        name: String,
        weight: usize,
        /// `None` if it has no bias.
        bias: Option<usize>,
        classes: usize,
    },
    /// Layers that differ from the network's head.
    Other {
        /// Their names in the file.
        layers: Vec<String>,
    },
    /// No head.
    Missing,
}

/// The tensors at a network's place that are not in its body: the head, and unused ones.
pub(super) struct Rest {
    pub(super) head: Head,
    pub(super) unused: Vec<usize>,
}

/// Words in the names of last layers.
const WORDS: [&str; 14] = [
    "head",
    "heads",
    "fc",
    "linear",
    "classifier",
    "classif",
    "cls",
    "clf",
    "logits",
    "output",
    "out",
    "prediction",
    "predictions",
    "projection",
];

/// Separates a head from other tensors. `rest` are the tensors below `at` that are not in the body,
/// `body` the outermost keys of the body, `features` the number of inputs of the head.
pub(super) fn among(
    index: &Index<'_>,
    at: &str,
    rest: &[usize],
    body: &[&str],
    usual: &str,
    features: usize,
    transposed: bool,
) -> Rest {
    let leaves = index.leaves();
    let (inner, outer): (Vec<usize>, Vec<usize>) = rest
        .iter()
        .partition(|&&leaf| body.contains(&first_key(&leaves[leaf].name[at.len()..])));
    if outer.is_empty() {
        let unused = inner;
        return Rest {
            head: Head::Missing,
            unused,
        };
    }
    // The reference's own name takes precedence over any other.
    let own = format!("{at}{usual}.");
    let (named, others): (Vec<usize>, Vec<usize>) = outer.iter().partition(|&&leaf| {
        leaves[leaf].name.starts_with(&own) && !leaves[leaf].name[own.len()..].contains('.')
    });
    if let Some(head) = linear(index, &named, features, transposed) {
        return Rest {
            head,
            unused: [inner, others].concat(),
        };
    }
    if let Some(head) = linear(index, &outer, features, transposed) {
        return Rest {
            head,
            unused: inner,
        };
    }
    // Several layers, or one of the wrong size, are a head if their names say so or they hold a matrix.
    let is_matrix = |leaf: &usize| leaves[*leaf].shape().len() == 2;
    let (heads, unused): (Vec<usize>, Vec<usize>) = outer.iter().partition(|&&leaf| {
        let first = first_key(&leaves[leaf].name[at.len()..]);
        let prefix = format!("{at}{first}.");
        is_called_head(first)
            || outer
                .iter()
                .any(|other| leaves[*other].name.starts_with(&prefix) && is_matrix(other))
    });
    if !heads.iter().any(is_matrix) {
        return Rest {
            head: Head::Missing,
            unused: [inner, outer].concat(),
        };
    }
    Rest {
        head: Head::Other {
            layers: layers(index, &heads),
        },
        unused: [inner, unused].concat(),
    }
}

/// A head next to the body, as in `{backbone, head}`: the nearest dictionary or prefix around `at`
/// that has exactly one.
pub(super) fn beside(index: &Index<'_>, at: &str, features: usize, transposed: bool) -> Head {
    let leaves = index.leaves();
    let mut around = at;
    while let Some(trimmed) = around.strip_suffix('.') {
        let own = trimmed.rfind('.').map_or(0, |dot| dot + 1);
        let (outer, inner) = (&around[..own], around);
        let numbered = trimmed[own..].parse::<u32>().is_ok();
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        for leaf in index.below(outer) {
            let name = &leaves[leaf].name;
            if name.starts_with(inner) || passed_over(name) {
                continue;
            }
            let first = first_key(&name[outer.len()..]);
            if !(is_called_head(first) || numbered && first.parse::<u32>().is_ok()) {
                continue;
            }
            match groups.iter_mut().find(|(key, _)| *key == first) {
                Some((_, group)) => group.push(leaf),
                None => groups.push((first, vec![leaf])),
            }
        }
        let heads: Vec<Head> = groups
            .iter()
            .filter_map(|(_, group)| {
                linear(index, group, features, transposed).or_else(|| {
                    let matrix = group.iter().any(|&leaf| leaves[leaf].shape().len() == 2);
                    matrix.then(|| Head::Other {
                        layers: layers(index, group),
                    })
                })
            })
            .collect();
        match &heads[..] {
            [] => around = outer,
            [head] => return head.clone(),
            _ => {
                let all: Vec<usize> = groups.into_iter().flat_map(|(_, group)| group).collect();
                return Head::Other {
                    layers: layers(index, &all),
                };
            }
        }
    }
    Head::Missing
}

/// The dense layer that these tensors form, if they are exactly one.
fn linear(index: &Index<'_>, tensors: &[usize], features: usize, transposed: bool) -> Option<Head> {
    let leaves = index.leaves();
    let (weight, bias) = match *tensors {
        [weight] => (weight, None),
        [a, b] if leaves[a].name.ends_with("weight") => (a, Some(b)),
        [a, b] => (b, Some(a)),
        _ => return None,
    };
    let name = leaves[weight].name.strip_suffix(".weight")?;
    let classes = match *leaves[weight].shape() {
        [inputs, classes] if transposed && inputs == features => classes,
        [classes, inputs] if !transposed && inputs == features => classes,
        // A 1x1 convolution is equivalent.
        [classes, inputs, 1, 1] if !transposed && inputs == features => classes,
        _ => return None,
    };
    let fits = |bias: usize| {
        leaves[bias].name.strip_suffix(".bias") == Some(name) && leaves[bias].shape() == [classes]
    };
    (classes > 0 && bias.is_none_or(fits)).then(|| Head::Linear {
        name: name.to_owned(),
        weight,
        bias,
        classes,
    })
}

/// The names of the layers of these tensors, without duplicates.
fn layers(index: &Index<'_>, tensors: &[usize]) -> Vec<String> {
    let names = tensors.iter().map(|&leaf| {
        let name = &index.leaves()[leaf].name;
        name.rsplit_once('.')
            .map_or(name.as_str(), |(layer, _)| layer)
            .to_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.dedup();
    names
}

fn is_called_head(key: &str) -> bool {
    words(key).any(|word| {
        WORDS.contains(&word.as_str())
            || word
                .strip_prefix("fc")
                .is_some_and(|n| n.parse::<u32>().is_ok())
    })
}

/// The words of a key: `lastLinear`, `last_linear` and `last-linear` have two words.
pub(super) fn words(key: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut before_is_small = false;
    for letter in key.chars() {
        let begins = !letter.is_alphanumeric() || (letter.is_uppercase() && before_is_small);
        if begins {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        before_is_small = letter.is_lowercase();
    }
    words.into_iter().filter(|word| !word.is_empty())
}

/// Whether a tensor of this name is not a weight but a counter, of batches, averaged models or
/// operations.
pub(super) fn passed_over(name: &str) -> bool {
    const COUNTERS: [&str; 5] = [
        "num_batches_tracked",
        "n_averaged",
        "total_ops",
        "total_params",
        "num_updates",
    ];
    let own = name.rsplit('.').next().unwrap_or_default();
    COUNTERS.contains(&own)
}
