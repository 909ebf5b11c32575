//! Class folders of the pictures that ship.

use std::path::Path;

/// The ten digits that ship as pictures, six times, in `train`.
pub(crate) fn digits(folder: &Path) {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/digits");
    for digit in 0..10 {
        let class = folder.join("train").join(digit.to_string());
        std::fs::create_dir_all(&class).unwrap();
        for copy in 0..6 {
            let picture = digits.join(format!("{digit}.png"));
            std::fs::copy(picture, class.join(format!("{copy}.png"))).unwrap();
        }
    }
}
