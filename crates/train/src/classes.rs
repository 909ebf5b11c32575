//! How folders are known as classes of a model.

use crate::folder::Listing;

/// The names that each class of a model goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes(Vec<Vec<String>>);

impl Classes {
    /// So many classes without names: folders are numbered in sorted order.
    pub fn unnamed(count: usize) -> Self {
        Self(vec![Vec::new(); count])
    }

    /// The names of each class: its label, its WordNet synset, any other. Folders that all bear
    /// such a name are mapped by it, and need not be there for every class.
    pub fn named(names: Vec<Vec<String>>) -> Self {
        Self(names)
    }

    /// Number of classes.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The class of this very name, else the only one that differs from it in case alone: ImageNet has a
    /// Cardigan and a cardigan.
    fn find(&self, name: &str) -> Option<usize> {
        let bearing = |same: fn(&str, &str) -> bool| {
            let bears = move |class: &usize| self.0[*class].iter().any(|it| same(it, name));
            (0..self.count()).filter(bears)
        };
        let mut alike = bearing(|a, b| a.eq_ignore_ascii_case(b));
        let exact = bearing(|a, b| a == b).next();
        exact.or_else(|| alike.next().filter(|_| alike.next().is_none()))
    }

    /// The class of each folder of `listing`, or why they cannot be told.
    pub(crate) fn of_folders(&self, listing: &Listing) -> Result<Vec<usize>, String> {
        let found: Vec<_> = listing.names.iter().map(|name| self.find(name)).collect();
        let unknown: Vec<&str> = listing
            .names
            .iter()
            .zip(&found)
            .filter(|(_, class)| class.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        let folders = listing.names.len();
        if unknown.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        if unknown.len() < folders {
            return Err(format!(
                "{} of {folders} folders bear no name of a class of the model ({}{})",
                unknown.len(),
                unknown[..unknown.len().min(5)].join(", "),
                if unknown.len() > 5 { ", …" } else { "" },
            ));
        }
        if folders != self.count() {
            return Err(format!(
                "{folders} folders of classes, but the model has {} classes, and no folder bears \
                 the name of one",
                self.count()
            ));
        }
        Ok((0..folders).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(names: &[&str]) -> Listing {
        Listing {
            files: Vec::new(),
            labels: Vec::new(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn model() -> Classes {
        let names = [["n01", "tench"], ["n02", "shark"], ["n03", "hen"]];
        Classes::named(
            names
                .map(|names| names.map(str::to_owned).to_vec())
                .to_vec(),
        )
    }

    #[test]
    fn known_names_are_mapped_and_need_not_be_all() {
        assert_eq!(
            model().of_folders(&folders(&["Hen", "n01"])),
            Ok(vec![2, 0])
        );
    }

    #[test]
    fn case_counts_where_it_makes_a_difference() {
        let names = ["Cardigan", "dog", "cardigan"].map(|name| vec![name.to_owned()]);
        let classes = Classes::named(names.to_vec());
        let found = classes.of_folders(&folders(&["cardigan", "Cardigan", "DOG"]));
        assert_eq!(found, Ok(vec![2, 0, 1]));
        assert!(classes.of_folders(&folders(&["CARDIGAN", "dog"])).is_err());
    }

    #[test]
    fn unknown_names_are_numbered_if_there_are_as_many_as_classes() {
        assert_eq!(
            model().of_folders(&folders(&["a", "b", "c"])),
            Ok(vec![0, 1, 2])
        );
        let two = model().of_folders(&folders(&["a", "b"])).unwrap_err();
        assert!(
            two.starts_with("2 folders of classes, but the model has 3"),
            "{two}"
        );
    }

    #[test]
    fn a_name_that_is_almost_right_is_no_reason_to_guess() {
        let mixed = model()
            .of_folders(&folders(&["hen", "sharc", "tench"]))
            .unwrap_err();
        assert!(mixed.contains("1 of 3 folders bear no name of a class of the model (sharc)"));
    }
}
