//! The run whose folder holds a weight file.

use burn_zoo_core::Preprocess;
use burn_zoo_train::Recipe;

use crate::source::Source;
use crate::{report, target};

/// The preprocessing for the weights of a file: that of the recipe in the file's folder, else `usual`.
pub(crate) fn preprocess(weights: Option<&Source>, usual: Preprocess) -> Preprocess {
    let Some(Source::File(path)) = weights else {
        return usual;
    };
    let Ok(recipe) = Recipe::of_run(target::folder(path)) else {
        return usual;
    };
    let own = recipe.preprocess.apply(usual);
    if own != usual {
        report::note(&format!(
            "preprocessing of the run in {}: resize {}, crop {}x{}; see [preprocess] in its recipe.toml",
            recipe.output.display(),
            own.resize,
            own.crop[0],
            own.crop[1]
        ));
    }
    own
}
