//! Names of classes.

use std::path::Path;
use std::sync::LazyLock;

use crate::Error;

/// A class of ImageNet-1k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageNetClass {
    /// WordNet's name, as `n01440764`; Imagenette and others name their folders so.
    pub synset: &'static str,
    /// Short English name.
    pub name: &'static str,
}

/// `class,synset,"name"`, in the order of the classes.
const IMAGENET_1K: &str = include_str!("../assets/imagenet_1k.csv");

static CLASSES: LazyLock<Vec<ImageNetClass>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let (_, rest) = line.split_once(',')?;
        let (synset, name) = rest.split_once(',')?;
        Some(ImageNetClass {
            synset,
            name: name.trim_matches('"'),
        })
    };
    IMAGENET_1K
        .lines()
        .skip(1)
        .map(|line| row(line).expect("every row of the embedded table has three fields"))
        .collect()
});

/// The 1,000 classes of ImageNet-1k in the order that every checkpoint uses.
pub fn imagenet_1k() -> &'static [ImageNetClass] {
    &CLASSES
}

/// The names in a file, one a line, or the `name` column of a CSV file whose first line names its
/// columns. Two classes may have one name; blank lines at the end do not count.
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be read as UTF-8 text, [`Error::Labels`] if it holds no
/// name, a blank one, or a row that is not as long as the first.
pub fn read(path: &Path) -> Result<Vec<String>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|reason| Error::Labels {
        path: path.to_owned(),
        reason,
    })
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    // Spreadsheets begin UTF-8 files with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
    let lines = || text.lines().zip(1..);
    let header = lines()
        .next()
        .and_then(|(line, _)| fields(line))
        .unwrap_or_default();
    let column = header.iter().position(|field| field == "name");
    let names: Vec<String> = match column {
        Some(column) => lines()
            .skip(1)
            .map(|(line, number)| match fields(line) {
                Some(mut row) if row.len() == header.len() => Ok(row.swap_remove(column)),
                _ => Err(format!(
                    "line {number} does not have the {} columns of the first line",
                    header.len()
                )),
            })
            .collect::<Result<_, _>>()?,
        None => lines().map(|(line, _)| line.trim().to_owned()).collect(),
    };
    if names.is_empty() {
        return Err(
            "no name in it; expected one a line, or a CSV file with a name column".to_owned(),
        );
    }
    match names.iter().position(String::is_empty) {
        Some(class) => {
            let line = class + 1 + usize::from(column.is_some());
            Err(format!(
                "line {line} has no name (class {class}); every class needs one"
            ))
        }
        None => Ok(names),
    }
}

/// The fields of a CSV line (RFC 4180, without line breaks in quotes); `None` if a quote is left
/// open.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => fields.last_mut()?.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => fields.last_mut()?.push(letter),
        }
    }
    let trimmed = fields.into_iter().map(|field| field.trim().to_owned());
    (!quoted).then(|| trimmed.collect())
}
