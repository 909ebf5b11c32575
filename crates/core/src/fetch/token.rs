//! Hugging Face access tokens, and the URLs that may receive them.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

use super::hub::ENDPOINT;

/// A Hugging Face access token. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Parses a token as in `HF_TOKEN`; ignores surrounding whitespace and line breaks.
    pub fn new(token: &str) -> Self {
        Self(token.trim().replace(['\r', '\n'], ""))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A token and its hub.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secret<'a> {
    token: &'a Token,
    endpoint: &'a str,
}

impl<'a> Secret<'a> {
    pub(super) fn new(token: &'a Token, endpoint: &'a str) -> Self {
        Self { token, endpoint }
    }

    /// The token, if this URL may receive it: the hub itself, over an encrypted or a loopback
    /// connection.
    pub(super) fn for_url(self, url: &str) -> Option<&'a str> {
        may_see(self.endpoint, url).then_some(&*self.token.0)
    }
}

fn may_see(endpoint: &str, url: &str) -> bool {
    let (Some(hub), Some(asked)) = (origin(endpoint), origin(url)) else {
        return false;
    };
    let short = endpoint == ENDPOINT && asked.host == "hf.co" && asked.port.is_none();
    let same = short && asked.scheme == "https" || asked == hub;
    same && (asked.scheme == "https" || is_loopback(&asked.host))
}

#[derive(PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

fn origin(url: &str) -> Option<Origin> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_owned();
    let usual = if scheme == "https" { 443 } else { 80 };
    Some(Origin {
        scheme,
        host: uri.host()?.to_lowercase(),
        port: uri.port_u16().filter(|port| *port != usual),
    })
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hub_itself_over_an_encrypted_connection_may_see_the_token() {
        for (url, expected) in [
            (
                "https://huggingface.co/timm/x/resolve/main/model.safetensors",
                true,
            ),
            ("https://huggingface.co:443/timm/x", true),
            ("https://hf.co/timm/x", true),
            ("http://huggingface.co/timm/x", false),
            ("https://huggingface.co:8443/timm/x", false),
            ("https://huggingface.co.example.org/x", false),
            ("https://example.org/huggingface.co", false),
            ("https://evil-huggingface.co/x", false),
            ("https://huggingface.co@example.org/x", false),
            ("https://download.pytorch.org/models/x.pth", false),
        ] {
            assert_eq!(may_see(ENDPOINT, url), expected, "{url}");
        }
        assert_eq!(format!("{:?}", Token::new("hf_secret")), "Token(..)");
    }

    #[test]
    fn another_hub_sees_it_instead_and_plain_http_only_on_this_machine() {
        for (endpoint, url, expected) in [
            (
                "https://hub.example.org/hf",
                "https://hub.example.org/hf/o/r",
                true,
            ),
            (
                "https://hub.example.org",
                "https://huggingface.co/o/r",
                false,
            ),
            ("https://hub.example.org", "https://hf.co/o/r", false),
            (
                "http://hub.example.org",
                "http://hub.example.org/o/r",
                false,
            ),
            ("http://127.0.0.1:80", "http://127.0.0.1/o/r", true),
            ("http://localhost:8080", "http://localhost:8080/o/r", true),
            ("http://[::1]:8080", "http://[::1]:8080/o/r", true),
            ("http://localhost:8080", "http://localhost:8081/o/r", false),
            (
                "http://localhost.example.org",
                "http://localhost.example.org/o/r",
                false,
            ),
        ] {
            assert_eq!(may_see(endpoint, url), expected, "{endpoint} {url}");
        }
    }
}
