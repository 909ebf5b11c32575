//! Tensors that are not weights of a network, by their names.

use super::index::first_key;

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

/// Whether a tensor is the mean or standard deviation of pixels, kept by a normalizing module before
/// the network.
pub(super) fn is_statistic(key: &str, shape: &[usize]) -> bool {
    let own = key.rsplit('.').next().unwrap_or_default();
    let words: Vec<String> = words(own).collect();
    let named = words
        .iter()
        .any(|word| matches!(word.as_str(), "mean" | "std" | "mu" | "sigma"));
    // A norm layer has such names too, but with one number per channel.
    named && !key.contains("running_") && shape.iter().product::<usize>() <= 4
}

/// Losses, metrics and queues, which some files have among the network's tensors.
pub(super) fn is_helper(key: &str) -> bool {
    const HELPERS: [&str; 8] = [
        "criterion",
        "loss",
        "losses",
        "metric",
        "metrics",
        "accuracy",
        "queue",
        "acc",
    ];
    words(first_key(key)).any(|word| HELPERS.contains(&word.as_str()))
}

/// The state of an optimizer, whose tensors have the sizes of weights.
pub(super) fn is_trainings(key: &str) -> bool {
    const TRAININGS: [&str; 6] = [
        "optim",
        "optimizer",
        "optimizers",
        "scheduler",
        "scaler",
        "grad",
    ];
    words(first_key(key)).any(|word| TRAININGS.contains(&word.as_str()))
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
