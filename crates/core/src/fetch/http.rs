//! One request and what comes back.

use std::fmt;
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::{HeaderMap, Uri, header};
use ureq::{Agent, Body};

use super::Patience;
use super::part::Origin;

/// Longest that a server may make us wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A Hugging Face access token. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// As in `HF_TOKEN`.
    pub fn new(token: &str) -> Self {
        Self(token.trim().to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Why a request brought no (whole) file.
#[derive(Debug)]
pub(super) enum Failure {
    /// Asking again is of no use.
    Refused(String),
    /// Asking again may help, where the server says so, after a while.
    Broken(String, Option<Duration>),
}

/// From which byte on a file is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) from: u64,
    /// Only if the file is still this one; else all of it.
    pub(super) of: Option<String>,
}

/// The beginning of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// The whole file.
    Whole(Origin, Option<u64>, Body),
    /// The file from this byte on.
    Rest(u64, Option<u64>, Body),
    /// There is nothing from that byte on; the file has this size.
    Nothing(Option<u64>),
}

pub(super) fn agent(patience: &Patience) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.read))
        .timeout_per_read(Some(patience.read))
        .timeout_per_write(Some(patience.read))
        // ureq takes the header away where a redirect leaves the host.
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .user_agent(concat!("burn-zoo/", env!("CARGO_PKG_VERSION")))
        // A compressed answer has other ranges and another checksum.
        .accept_encoding("identity")
        .build()
        .new_agent()
}

/// Asks for a file; redirects are followed.
pub(super) fn get(
    agent: &Agent,
    url: &str,
    token: Option<&Token>,
    wanted: &Wanted,
) -> Result<Answer, Failure> {
    // Who was promised an encrypted connection is not redirected to a plain one.
    let encrypted = url.starts_with("https://");
    let mut request = agent.get(url).config().https_only(encrypted).build();
    if let Some(Token(token)) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if wanted.from > 0 {
        request = request.header(header::RANGE, format!("bytes={}-", wanted.from));
        if let Some(validator) = &wanted.of {
            request = request.header(header::IF_RANGE, validator);
        }
    }
    let response = request.call().map_err(|error| failure(&error))?;
    let headers = response.headers();
    let status = response.status();
    let range = text(headers, header::CONTENT_RANGE).and_then(content_range);
    match status.as_u16() {
        200 => {
            let origin = Origin {
                url: url.to_owned(),
                validator: validator(headers),
            };
            let body = response.into_body();
            Ok(Answer::Whole(origin, body.content_length(), body))
        }
        206 => match range {
            Some((Some(start), total)) => Ok(Answer::Rest(start, total, response.into_body())),
            _ => Err(Failure::Refused("it sent a part without its range".into())),
        },
        416 => Ok(Answer::Nothing(range.and_then(|(_, total)| total))),
        408 | 429 | 500..=599 => Err(Failure::Broken(
            format!("it answered {status}"),
            text(headers, header::RETRY_AFTER)
                .and_then(|seconds| seconds.parse().ok())
                .map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT)),
        )),
        _ => Err(Failure::Refused(format!("it answered {status}"))),
    }
}

/// Whether an address is one of the hub's, which alone may see its token.
pub(super) fn is_hub(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    uri.scheme_str() == Some("https") && matches!(uri.host(), Some("huggingface.co" | "hf.co"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// What `If-Range` takes: a strong `ETag`, else the date of the last change.
fn validator(headers: &HeaderMap) -> Option<String> {
    text(headers, header::ETAG)
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| text(headers, header::LAST_MODIFIED))
        .map(str::to_owned)
}

/// First byte and size of `bytes 100-199/200`, `bytes 100-199/*` or `bytes */200`.
fn content_range(value: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let start = match range {
        "*" => None,
        range => Some(range.split_once('-')?.0.trim().parse().ok()?),
    };
    Some((start, total.trim().parse().ok()))
}

/// What a failed connection says, and whether it is worth another try.
pub(super) fn failure(error: &ureq::Error) -> Failure {
    use ureq::Error as E;
    match error {
        E::Timeout(what) => Failure::Broken(format!("it took too long ({what})"), None),
        E::Io(error) => Failure::Broken(error.to_string(), None),
        E::ConnectionFailed | E::Protocol(_) | E::ConnectProxyFailed(_) => {
            Failure::Broken(error.to_string(), None)
        }
        // Names, certificates and addresses do not mend within seconds.
        _ => Failure::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_writes_them() {
        let rows = [
            ("bytes 100-199/200", Some((Some(100), Some(200)))),
            ("bytes 100-199/*", Some((Some(100), None))),
            ("bytes */200", Some((None, Some(200)))),
            ("lines 1-2/3", None),
            ("bytes x-1/3", None),
        ];
        for (value, expected) in rows {
            assert_eq!(content_range(value), expected, "{value}");
        }
    }

    #[test]
    fn only_the_hub_itself_over_an_encrypted_connection_may_see_the_token() {
        let rows = [
            (
                "https://huggingface.co/timm/x/resolve/main/model.safetensors",
                true,
            ),
            ("https://hf.co/timm/x", true),
            ("http://huggingface.co/timm/x", false),
            ("https://huggingface.co.example.org/x", false),
            ("https://example.org/huggingface.co", false),
            ("https://evil-huggingface.co/x", false),
            ("https://huggingface.co@example.org/x", false),
            ("https://download.pytorch.org/models/x.pth", false),
        ];
        for (url, expected) in rows {
            assert_eq!(is_hub(url), expected, "{url}");
        }
        assert_eq!(format!("{:?}", Token::new("hf_secret")), "Token(..)");
    }

    /// Answers one request and gives back its header lines.
    fn serve(listener: &TcpListener, answer: &str) -> Vec<String> {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(&stream).lines().map(|line| line.unwrap());
        let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        stream.write_all(answer.as_bytes()).unwrap();
        lines
    }

    /// A server that redirects from `from` to `to`; the authorisation that each request has.
    fn redirected(to_host: &str) -> [bool; 2] {
        let [first, second] = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{}/file", port(&first));
        let target = format!("http://{to_host}:{}/elsewhere", port(&second));
        let server = std::thread::spawn(move || {
            let to = format!(
                "HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            [serve(&first, &to), serve(&second, whole)]
                .map(|lines| lines.iter().any(|line| line.contains("Bearer hf_secret")))
        });
        let token = Token::new("hf_secret\n");
        let agent = agent(&Patience::default());
        let answer = get(&agent, &url, Some(&token), &Wanted::default()).unwrap();
        assert!(matches!(answer, Answer::Whole(_, Some(2), _)));
        server.join().unwrap()
    }

    #[test]
    fn the_token_stays_behind_where_a_redirect_leaves_the_host() {
        assert_eq!(redirected("localhost"), [true, false]);
    }
}
