//! An HTTP server for tests of fetching: it counts, cuts, stalls and lies as told.
//!
//! Other crates' tests take it by `#[path]`.
#![allow(dead_code, reason = "no test crate uses all of it")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server on a port of its own; it lives as long as the test process.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request, and what it was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    /// Bytes of the body that were sent.
    pub(crate) sent: usize,
}

impl Seen {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// First byte asked for.
    pub(crate) fn from(&self) -> usize {
        self.header("range").map_or(0, |range| {
            let from = range.strip_prefix("bytes=").unwrap();
            from.strip_suffix('-').unwrap().parse().unwrap()
        })
    }
}

/// What a request is given.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
    /// After so many bytes, what happens.
    then: Option<(usize, Then)>,
    /// Bytes at a time, and the pause after each.
    pace: (usize, Duration),
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Cut,
    Stall,
}

impl Reply {
    /// No body.
    pub(crate) fn status(status: &'static str) -> Self {
        Self {
            status,
            headers: vec!["Content-Length: 0".into()],
            body: Vec::new(),
            then: None,
            pace: (1 << 16, Duration::ZERO),
        }
    }

    /// To another address.
    pub(crate) fn redirect(to: &str) -> Self {
        let mut reply = Self::status("302 Found");
        reply.headers.push(format!("Location: {to}"));
        reply
    }

    /// A file of this version as a well-kept server gives it: all of it, or what `Range` and
    /// `If-Range` ask for.
    pub(crate) fn file(bytes: &[u8], version: &str, request: &Seen) -> Self {
        let tag = format!("\"{version}\"");
        let from = match request.header("if-range") {
            Some(wanted) if wanted != tag => 0,
            _ => request.from(),
        };
        let mut reply = Self::status("200 OK");
        if from > 0 && from >= bytes.len() {
            reply.status = "416 Range Not Satisfiable";
            reply
                .headers
                .push(format!("Content-Range: bytes */{}", bytes.len()));
            return reply;
        }
        if from > 0 {
            reply.status = "206 Partial Content";
            let (last, size) = (bytes.len() - 1, bytes.len());
            let range = format!("Content-Range: bytes {from}-{last}/{size}");
            reply.headers.push(range);
        }
        reply.body = bytes[from..].to_vec();
        reply.headers[0] = format!("Content-Length: {}", reply.body.len());
        reply.headers.push(format!("ETag: {tag}"));
        reply
    }

    /// As `HEAD` is answered.
    pub(crate) fn without_body(mut self) -> Self {
        self.body.clear();
        self
    }

    /// Without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|header| !header.starts_with(name));
        self
    }

    /// With a header, as `Name: value`.
    pub(crate) fn with(mut self, header: String) -> Self {
        self.headers.push(header);
        self
    }

    /// The connection ends after so many bytes of the body.
    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.then = Some((bytes, Then::Cut));
        self
    }

    /// After so many bytes of the body nothing more comes, and the connection stays.
    pub(crate) fn stall_after(mut self, bytes: usize) -> Self {
        self.then = Some((bytes, Then::Stall));
        self
    }

    /// So many bytes at a time.
    pub(crate) fn slowly(mut self, bytes: usize, pause: Duration) -> Self {
        self.pace = (bytes, pause);
        self
    }
}

impl Server {
    /// `answer` is asked for each request, with how many came before it.
    pub(crate) fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, log) = (answer.clone(), log.clone());
                // A client that goes away is no concern of ours.
                std::thread::spawn(move || serve(stream, &*answer, &log).ok());
            }
        });
        Self { base, seen }
    }

    /// A file, whatever is asked for.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self::start(move |request, _| Reply::file(&bytes, "v1", request))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// What came so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Bytes of bodies sent to all requests.
    pub(crate) fn sent(&self) -> usize {
        self.seen().iter().map(|seen| seen.sent).sum()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Seen, usize) -> Reply + Send + Sync),
    log: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let request = read(&mut reader)?;
        let number = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        if request.method == "CONNECT" {
            // A proxy that leads nowhere but to itself.
            stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
            continue;
        }
        let reply = answer(&request, number);
        let status = reply.status;
        let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
        for header in &reply.headers {
            head += &format!("{header}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        let end = reply.then.map_or(reply.body.len(), |(end, _)| end);
        for piece in reply.body[..end].chunks(reply.pace.0) {
            stream.write_all(piece)?;
            log.lock().unwrap()[number].sent += piece.len();
            std::thread::sleep(reply.pace.1);
        }
        if let Some((_, Then::Stall)) = reply.then {
            // Until the client gives up.
            let _ = read(&mut reader);
        }
        return stream.shutdown(Shutdown::Both);
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines[0].split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let headers = lines[1..].iter().filter_map(|line| line.split_once(':'));
    Ok(Seen {
        method,
        path,
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect(),
        sent: 0,
    })
}
