//! One request and what comes back.

use std::time::Duration;

use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

use super::Patience;
use super::address::{redirected, split};
use super::part::Origin;
use super::token::Secret;

/// Longest that a server may make us wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The most redirects to follow, as in browsers.
const REDIRECTS: usize = 20;

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
        // We follow redirects ourselves, because ureq would send the token to another port of the same host.
        .max_redirects(0)
        .user_agent(concat!("burn-zoo/", env!("CARGO_PKG_VERSION")))
        // A compressed answer has other ranges and another checksum.
        .accept_encoding("identity")
        .build()
        .new_agent()
}

/// The kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    /// Asks a hub only for a file's metadata; does not follow the redirect to the file's storage.
    Head,
}

/// Sends a request and follows redirects. Each URL receives the token only if it may.
pub(super) fn send(
    agent: &Agent,
    method: Method,
    url: &str,
    secret: Option<Secret<'_>>,
    headers: &[(header::HeaderName, &str)],
) -> Result<Response<Body>, Failure> {
    // Never redirect from an encrypted connection to a plain one.
    let encrypted = url.starts_with("https://");
    let mut url = url.to_owned();
    for _ in 0..=REDIRECTS {
        let request = match method {
            Method::Get => agent.get(&url),
            Method::Head => agent.head(&url),
        };
        let mut request = request.config().https_only(encrypted).build();
        if let Some(token) = secret.and_then(|secret| secret.for_url(&url)) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let response = request.call().map_err(|error| failure(&error))?;
        let moved = matches!(response.status().as_u16(), 301..=303 | 307 | 308);
        let next = text(response.headers(), header::LOCATION).filter(|_| moved);
        let Some(next) = next.and_then(|next| redirected(&url, next)) else {
            return Ok(response);
        };
        if method == Method::Head && !stays(&url, &next) {
            return Ok(response);
        }
        url = next;
    }
    Err(Failure::Refused("too many redirects".into()))
}

/// Whether a redirect stays on the hub: on the same host, possibly upgraded to https, or from a mirror
/// to huggingface.co itself.
fn stays(from: &str, to: &str) -> bool {
    let host = |url| split(url).and_then(|(origin, _)| origin.split_once("//"));
    let (from, to) = (host(from), host(to));
    let hub = |host| ["huggingface.co", "hf.co"].contains(&host);
    to.is_some_and(|(scheme, name)| {
        scheme == "https:" && hub(name) || from.is_some_and(|from| from.1 == name)
    })
}

/// Asks for a file; redirects are followed.
pub(super) fn get(
    agent: &Agent,
    url: &str,
    secret: Option<Secret<'_>>,
    wanted: &Wanted,
) -> Result<Answer, Failure> {
    let range = format!("bytes={}-", wanted.from);
    let mut headers = Vec::new();
    if wanted.from > 0 {
        headers.push((header::RANGE, &*range));
        let validator = wanted.of.as_deref();
        headers.extend(validator.map(|validator| (header::IF_RANGE, validator)));
    }
    let response = send(agent, Method::Get, url, secret, &headers)?;
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
            retry_after(headers),
        )),
        _ => Err(Failure::Refused(format!("it answered {status}"))),
    }
}

/// The delay that a server asks for in `Retry-After`, or the hub in `RateLimit: "api";r=0;t=55`.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let after = text(headers, header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    let limit = || {
        let mut parts = headers.get("ratelimit")?.to_str().ok()?.split(';');
        parts.find_map(|part| part.trim().strip_prefix("t=")?.parse().ok())
    };
    let seconds = after.or_else(limit)?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

pub(super) fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
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
    use crate::fetch::Token;

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

    /// Answers one request and gives back its header lines.
    fn serve(listener: &TcpListener, answer: &str) -> Vec<String> {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(&stream).lines().map(|line| line.unwrap());
        let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        stream.write_all(answer.as_bytes()).unwrap();
        lines
    }

    /// The tokens that a redirecting server and its target receive, for a token of the first one.
    fn redirected_to(host: &str) -> [bool; 2] {
        let [first, second] = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let hub = format!("http://127.0.0.1:{}", port(&first));
        let target = format!("http://{host}:{}/elsewhere", port(&second));
        let server = std::thread::spawn(move || {
            let to = format!(
                "HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            [serve(&first, &to), serve(&second, whole)]
                .map(|lines| lines.iter().any(|line| line.contains("Bearer hf_secret")))
        });
        let token = Token::new("hf_secret\n");
        let secret = Some(Secret::new(&token, &hub));
        let agent = agent(&Patience::default());
        let answer = get(&agent, &format!("{hub}/file"), secret, &Wanted::default()).unwrap();
        assert!(matches!(answer, Answer::Whole(_, Some(2), _)));
        server.join().unwrap()
    }

    #[test]
    fn the_token_stays_behind_where_a_redirect_leaves_the_host_or_its_port() {
        assert_eq!(redirected_to("localhost"), [true, false]);
        assert_eq!(redirected_to("127.0.0.1"), [true, false]);
    }

    #[test]
    fn a_hub_is_asked_further_at_the_hub_alone() {
        for (from, to, expected) in [
            ("https://huggingface.co/a", "https://huggingface.co/b", true),
            (
                "http://hub.example.org/a",
                "https://hub.example.org/a",
                true,
            ),
            (
                "https://mirror.example.org/a",
                "https://huggingface.co/a",
                true,
            ),
            (
                "https://huggingface.co/a",
                "https://cas-bridge.xethub.hf.co/a",
                false,
            ),
            ("http://127.0.0.1:1/a", "http://127.0.0.1:2/a", false),
            ("https://huggingface.co/a", "http://hf.co/a", false),
        ] {
            assert_eq!(stays(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn a_server_says_when_to_come_back() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert("ratelimit", r#""api";r=0;t=55"#.parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(55)));
        headers.insert("retry-after", "3".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(3)));
        headers.insert("retry-after", "86400".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(60)));
    }
}
