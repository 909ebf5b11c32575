//! One place of several that hold a network.

use super::Slot;
use super::extra;
use super::find::Candidate;
use super::head::Head;
use super::index::Index;

/// Words that name averaged weights.
const AVERAGES: [&str; 3] = ["ema", "averaged", "swa"];

/// What came of a choice.
pub(super) enum Choice {
    /// This one, and what its user should know of the others.
    Taken(Box<Candidate>, Option<String>),
    /// No place fits.
    Nothing,
    /// These fit equally well.
    Tie(Vec<String>),
}

/// The place that fits best: a whole network before one without its head. Equal ones are told
/// apart by names that mean an average, or MoCo's query encoder.
pub(super) fn choose(index: &Index<'_>, slots: &[Slot], found: &[Candidate]) -> Choice {
    let fitting = || found.iter().filter(|it| it.fits());
    let has_head = fitting().any(Candidate::has_head);
    let mut equal: Vec<&Candidate> = Vec::new();
    for candidate in fitting().filter(|it| it.has_head() == has_head) {
        if !equal
            .iter()
            .any(|it| same_values(index, slots, it, candidate))
        {
            equal.push(candidate);
        }
    }
    let others = |taken: &Candidate| {
        let others: Vec<String> = equal
            .iter()
            .filter(|it| it.at != taken.at)
            .map(|it| shown(&it.at))
            .collect();
        format!(
            "the weights at {} are loaded; {} holds another set of weights for the same network",
            shown(&taken.at),
            others.join(" and ")
        )
    };
    let averages: Vec<_> = equal.iter().filter(|it| is_average(&it.at)).collect();
    // Without the key encoders whose query encoder is there.
    let queries: Vec<_> = equal
        .iter()
        .filter(|it| {
            let query = it.at.replace("encoder_k", "encoder_q");
            query == it.at || !equal.iter().any(|other| other.at == query)
        })
        .collect();
    match (&equal[..], &averages[..], &queries[..]) {
        ([], ..) => Choice::Nothing,
        ([one], ..) => {
            let headless = fitting().find(|it| it.has_head() != has_head);
            let note = headless.map(|other| {
                format!(
                    "the weights at {} are taken; {} has the same network without its head",
                    shown(&one.at),
                    shown(&other.at)
                )
            });
            Choice::Taken(Box::new((*one).clone()), note)
        }
        (_, [one], _) | (_, [], [one]) => {
            Choice::Taken(Box::new((**one).clone()), Some(others(one)))
        }
        _ => Choice::Tie(equal.iter().map(|it| shown(&it.at)).collect()),
    }
}

/// A place as a message names it.
pub(super) fn shown(at: &str) -> String {
    match at.trim_end_matches('.') {
        "" => "the top level".to_owned(),
        at => at.to_owned(),
    }
}

fn is_average(at: &str) -> bool {
    let mut words = at.split('.').flat_map(extra::words);
    words.any(|word| AVERAGES.contains(&word.as_str()))
}

/// Whether two places hold the same numbers, each in its own form.
fn same_values(index: &Index<'_>, slots: &[Slot], a: &Candidate, b: &Candidate) -> bool {
    let pairs = |it: &Candidate| {
        let head = match it.head {
            Head::Linear { weight, bias, .. } => vec![(slots.len(), weight)]
                .into_iter()
                .chain(bias.map(|bias| (slots.len() + 1, bias)))
                .collect(),
            _ => Vec::new(),
        };
        let mut pairs = [it.filled.clone(), head].concat();
        pairs.sort_unstable();
        pairs
    };
    let (mine, theirs) = (pairs(a), pairs(b));
    a.transposed == b.transposed
        && mine.len() == theirs.len()
        && mine.iter().zip(&theirs).all(|(mine, theirs)| {
            let [one, other] = [mine.1, theirs.1].map(|leaf| &index.leaves()[leaf].tensor);
            mine.0 == theirs.0
                && one.shape.as_slice() == other.shape.as_slice()
                && one.dtype == other.dtype
                && (mine.1 == theirs.1
                    || matches!(
                        (one.clone().into_parts(), other.clone().into_parts()),
                        (Ok(one), Ok(other)) if *one.4 == *other.4
                    ))
        })
}
