//! Chooses one of several places that hold a network.

use super::Slot;
use super::extra;
use super::find::Candidate;
use super::head::Head;
use super::index::Index;

/// Words in the names of averaged weights.
const AVERAGES: [&str; 3] = ["ema", "averaged", "swa"];

/// The result of the choice.
pub(super) enum Choice {
    /// This one, with a note about the others.
    Taken(Box<Candidate>, Option<String>),
    /// No place fits.
    Nothing,
    /// These fit equally well.
    Tie(Vec<String>),
}

/// Chooses the place that fits best: a complete network before one without its head. Names of an
/// average or of MoCo's query encoder break ties.
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
    // Drop key encoders that have a query encoder.
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

/// A place as shown in messages.
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

/// Whether two places hold the same values, possibly in different formats.
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
