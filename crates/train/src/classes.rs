//! How folders are known as classes of a model.

use crate::folder::Listing;

/// The names that each class of a model goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes(Vec<Vec<String>>);

impl Classes {
    /// This many unnamed classes: folders named with class numbers are these classes, others
    /// are numbered in sorted order.
    pub fn unnamed(count: usize) -> Self {
        Self(vec![Vec::new(); count])
    }

    /// The names of each class: its label, its WordNet synset, any other. Folders are matched with these names; a class
    /// need not have a folder. If no class name is a number and all folders are named with class numbers, these decide.
    pub fn named(names: Vec<Vec<String>>) -> Self {
        Self(names)
    }

    /// Number of classes.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The class with exactly this name, else the only one that differs only in case (ImageNet has a
    /// Cardigan and a cardigan), else the only one whose name is the same number (`7` and `007`).
    fn find(&self, name: &str) -> Option<usize> {
        let bearing = |same: fn(&str, &str) -> bool| {
            let bears = move |class: &usize| self.0[*class].iter().any(|it| same(it, name));
            let mut classes = (0..self.count()).filter(bears);
            let first = classes.next()?;
            Some((first, classes.next().is_none()))
        };
        let only = |same| bearing(same).filter(|(_, only)| *only);
        let exact = bearing(|a, b| a == b);
        let found = exact.or_else(|| only(|a, b| a.eq_ignore_ascii_case(b)));
        let found =
            found.or_else(|| only(|a, b| number(a).is_some_and(|it| number(b) == Some(it))));
        found.map(|(class, _)| class)
    }

    /// The class of each folder of `listing`, or the reason why there is none. `None` for a folder without images that
    /// is not a class.
    pub(crate) fn of_folders(&self, listing: &Listing) -> Result<Vec<Option<usize>>, String> {
        let found: Vec<_> = listing.names.iter().map(|name| self.find(name)).collect();
        let rows = || listing.names.iter().zip(&listing.counts).zip(&found);
        let unknown: Vec<&str> = rows()
            .filter(|((_, count), class)| class.is_none() && **count > 0)
            .map(|((name, _), _)| name.as_str())
            .collect();
        if unknown.is_empty() {
            return Ok(found);
        }
        let folders = listing.names.len();
        let mut names = self.0.iter().flatten();
        if !names.clone().any(|name| number(name).is_some())
            && let Some(numbers) = self.numbered(&listing.names)
        {
            return Ok(numbers);
        }
        if let Some(known) = names.next() {
            return Err(format!(
                "{} of {folders} folders are not named after a class of the model ({}{}); its classes \
                 have names like {known}; use --labels FILE to rename them",
                unknown.len(),
                unknown[..unknown.len().min(5)].join(", "),
                if unknown.len() > 5 { ", …" } else { "" },
            ));
        }
        if folders != self.count() {
            let empty = match listing.empty() {
                Some(name) => format!(" ({name} has no images)"),
                None => String::new(),
            };
            return Err(format!(
                "{folders} class folders{empty}, but the model has {} unnamed classes; \
                 use --labels FILE to name them",
                self.count()
            ));
        }
        Ok((0..folders).map(Some).collect())
    }

    /// The classes of folders that are all named with different class numbers.
    fn numbered(&self, names: &[String]) -> Option<Vec<Option<usize>>> {
        let numbers: Vec<usize> = names
            .iter()
            .map(|name| number(name))
            .collect::<Option<_>>()?;
        let mut taken = vec![false; self.count()];
        for &number in &numbers {
            let taken = taken.get_mut(number)?;
            if std::mem::replace(taken, true) {
                return None;
            }
        }
        Some(numbers.into_iter().map(Some).collect())
    }
}

/// Parses a name that is a number, with or without leading zeros.
fn number(name: &str) -> Option<usize> {
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| name.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders with one image each, except those whose name ends with a question mark.
    fn folders(names: &[&str]) -> Listing {
        Listing {
            files: Vec::new(),
            labels: Vec::new(),
            names: names.iter().map(|name| name.replace('?', "")).collect(),
            counts: names
                .iter()
                .map(|name| usize::from(!name.ends_with('?')))
                .collect(),
        }
    }

    fn of(classes: &Classes, names: &[&str]) -> Result<Vec<usize>, String> {
        // 99 is not a class.
        let found = classes.of_folders(&folders(names))?;
        Ok(found.into_iter().map(|class| class.unwrap_or(99)).collect())
    }

    fn model() -> Classes {
        let names = [["n01", "tench"], ["n02", "shark"], ["n03", "hen"]];
        Classes::named(
            names
                .map(|names| names.map(str::to_owned).to_vec())
                .to_vec(),
        )
    }

    fn labels(names: &[&str]) -> Classes {
        Classes::named(names.iter().map(|name| vec![(*name).to_owned()]).collect())
    }

    #[test]
    fn known_names_are_mapped_and_need_not_be_all() {
        assert_eq!(of(&model(), &["Hen", "n01"]), Ok(vec![2, 0]));
    }

    #[test]
    fn case_counts_where_it_makes_a_difference() {
        let classes = labels(&["Cardigan", "dog", "cardigan"]);
        let found = of(&classes, &["cardigan", "Cardigan", "DOG"]);
        assert_eq!(found, Ok(vec![2, 0, 1]));
        assert!(of(&classes, &["CARDIGAN", "dog"]).is_err());
    }

    #[test]
    fn numbers_are_the_classes_of_these_numbers() {
        let names: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let expected = vec![0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(of(&Classes::unnamed(12), &sorted), Ok(expected));
        assert_eq!(of(&Classes::unnamed(12), &["003", "010"]), Ok(vec![3, 10]));
        assert_eq!(of(&model(), &["1", "2"]), Ok(vec![1, 2]));
        // These begin with 1, so they are sorted as in torchvision.
        let found = of(&Classes::unnamed(3), &["1", "2", "3"]);
        assert_eq!(found, Ok(vec![0, 1, 2]));
        let twice = of(&Classes::unnamed(3), &["01", "1"]).unwrap_err();
        assert!(twice.contains("2 class folders"), "{twice}");
    }

    #[test]
    fn numbers_that_are_names_are_names() {
        let classes = labels(&["30", "7", "12"]);
        assert_eq!(of(&classes, &["12", "007"]), Ok(vec![2, 1]));
        let other = of(&classes, &["0", "1", "2"]).unwrap_err();
        assert!(other.contains("3 of 3 folders"), "{other}");
    }

    #[test]
    fn unknown_names_are_numbered_only_if_the_model_knows_none() {
        let bare = Classes::unnamed(3);
        assert_eq!(of(&bare, &["a", "b", "c"]), Ok(vec![0, 1, 2]));
        let two = of(&bare, &["a", "b"]).unwrap_err();
        assert!(
            two.starts_with("2 class folders, but the model has 3 unnamed classes"),
            "{two}"
        );
        let other = of(&model(), &["a", "b", "c"]).unwrap_err();
        assert!(
            other.contains("3 of 3 folders are not named after a class of the model (a, b, c)"),
            "{other}"
        );
        assert!(other.contains("names like n01"), "{other}");
    }

    #[test]
    fn a_name_that_is_almost_right_is_no_reason_to_guess() {
        let mixed = of(&model(), &["hen", "sharc", "tench"]).unwrap_err();
        assert!(mixed.contains("1 of 3 folders are not named after a class of the model (sharc)"));
        assert!(of(&model(), &["hen", "1"]).is_err());
    }

    #[test]
    fn a_folder_without_images_may_have_any_name() {
        assert_eq!(of(&model(), &["hen", "notes?"]), Ok(vec![2, 99]));
        assert_eq!(of(&model(), &["hen?", "n01"]), Ok(vec![2, 0]));
        let bare = of(&Classes::unnamed(2), &["a", "b", "notes?"]).unwrap_err();
        assert!(bare.contains("(notes has no images)"), "{bare}");
    }
}
