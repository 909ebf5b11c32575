//! The last layer of a network in a file, whatever it is called.

use super::index::{Index, first_key};

/// The last layer that a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// One dense layer.
    Linear {
        /// Its name in the file, without `.weight`.
        name: String,
        weight: usize,
        /// Nothing where it adds no bias.
        bias: Option<usize>,
        classes: usize,
    },
    /// Layers that the network does not have there.
    Other {
        /// Their names in the file.
        layers: Vec<String>,
    },
    /// None at all.
    Missing,
}

/// What remains of the tensors below a network's place: its head, and what belongs nowhere.
pub(super) struct Rest {
    pub(super) head: Head,
    pub(super) unused: Vec<usize>,
}

/// Words that name a last layer.
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

/// Tells a head from other tensors. `rest` are the tensors below `at` that no layer of the body
/// took; `body` are the outermost keys of the body; the head takes `features` numbers.
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
    // The reference's own name wins over whatever else is there.
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
    // Several layers, or one of another size: a head, if they are called so or hold a matrix.
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

/// A head that lies beside the body, as in `{backbone, head}`: the nearest dictionary or prefix
/// around `at` that has exactly one.
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

/// The one dense layer that these tensors are, if they are one and nothing else.
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
        // A convolution of one pixel does the same.
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

/// The names of the layers that hold these tensors, each once.
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

/// The words of a key: `lastLinear`, `last_linear` and `last-linear` have two.
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

/// Whether a tensor of this name is no weight of any network: what counts batches, averaged models
/// or operations.
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
