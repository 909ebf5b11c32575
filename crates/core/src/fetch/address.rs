//! URLs: parsing, encoding and redirects.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything is encoded except the unreserved characters of RFC 3986.
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same for a path, which keeps its slashes.
const IN_PATH: AsciiSet = RESERVED.remove(b'/');

/// Prefix of the names of files that were fetched by URL.
pub(super) const URL_PREFIX: &str = "url-";

/// Encodes one segment of a path, including slashes.
pub(super) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, &RESERVED).to_string()
}

/// Encodes a path and keeps its slashes.
pub(super) fn encoded_path(path: &str) -> String {
    utf8_percent_encode(path, &IN_PATH).to_string()
}

/// `None` if the text is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

/// The URL of the file that a page of GitHub or Hugging Face shows; any other URL is unchanged.
///
/// `https://github.com/o/r/blob/main/x.pth` is a page about `https://github.com/o/r/raw/main/x.pth`.
pub fn of_file(url: &str) -> Cow<'_, str> {
    let raw = |host: &str, raw: &str| {
        let (start, path) = url.split_at_checked(host.len())?;
        let same = start.eq_ignore_ascii_case(host);
        let (before, after) = path.split_once("/blob/").filter(|_| same)?;
        // `owner/repo`, after `datasets/` on the hub. Later in the path, `blob` is a folder.
        (before.split('/').count() <= 3).then(|| format!("{host}{before}/{raw}/{after}"))
    };
    raw("https://github.com/", "raw")
        .or_else(|| raw("https://huggingface.co/", "resolve"))
        .map_or(Cow::Borrowed(url), Cow::Owned)
}

/// The cache name of a URL: a part of the URL's checksum, and the end of the URL.
pub(super) fn file_name(url: &str) -> String {
    let end = url.split(['?', '#']).next().unwrap_or_default();
    let end = end.rsplit('/').next().unwrap_or_default();
    let safe = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => letter,
        _ => '_',
    };
    let end: String = end.chars().map(safe).collect();
    format!("{URL_PREFIX}{:016x}-{end}", fnv1a64(url))
}

/// Distinguishes URLs whose files have the same name.
fn fnv1a64(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Scheme and host of a URL, and its path.
pub(super) fn split(url: &str) -> Option<(&str, &str)> {
    let start = url.find("://")? + 3;
    let end = url[start..].find(['/', '?', '#']);
    Some(url.split_at(end.map_or(url.len(), |end| start + end)))
}

/// Resolves a redirect as in RFC 3986, section 5.2, except for dot segments.
pub(super) fn redirected(from: &str, location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    let (origin, path) = split(from)?;
    if location.starts_with("https://") || location.starts_with("http://") {
        return Some(location.to_owned());
    }
    if let Some(rest) = location.strip_prefix("//") {
        let (scheme, _) = origin.split_once("//")?;
        return Some(format!("{scheme}//{rest}"));
    }
    if location.starts_with('/') {
        return Some(format!("{origin}{location}"));
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if location.is_empty() || location.starts_with('?') {
        return Some(format!("{origin}{path}{location}"));
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{origin}{folder}/{location}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_about_a_file_is_taken_for_the_file() {
        for (page, file) in [
            (
                "https://github.com/o/r/blob/main/a/x.pth",
                "https://github.com/o/r/raw/main/a/x.pth",
            ),
            (
                "https://huggingface.co/datasets/o/r/blob/main/x.pth",
                "https://huggingface.co/datasets/o/r/resolve/main/x.pth",
            ),
            (
                "https://huggingface.co/gpt2/blob/main/x",
                "https://huggingface.co/gpt2/resolve/main/x",
            ),
            (
                "https://github.com/o/r/raw/main/blob/x",
                "https://github.com/o/r/raw/main/blob/x",
            ),
            (
                "https://example.org/o/r/blob/main/x",
                "https://example.org/o/r/blob/main/x",
            ),
        ] {
            assert_eq!(of_file(page), file);
        }
    }

    #[test]
    fn redirects_are_resolved_as_rfc_3986_does() {
        // Section 5.4.1 has these of http://a/b/c/d;p?q.
        for (location, expected) in [
            ("http://g/h", "http://g/h"),
            ("g", "http://a/b/c/g"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y#s", "http://a/b/c/g?y"),
        ] {
            let found = redirected("http://a/b/c/d;p?q", location);
            assert_eq!(found.as_deref(), Some(expected), "{location}");
        }
    }

    #[test]
    fn signatures_do_not_get_into_names_of_files() {
        let name = file_name("https://cdn.example.org/a/x.pth?Signature=a/b&Expires=1");
        assert!(name.ends_with("-x.pth"), "{name}");
        assert!(file_name("http://h/a:b").ends_with("-a_b"));
    }
}
