//! Settings from the environment.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use regex::{Captures, Regex};

use super::hub::ENDPOINT;
use super::{Cache, Fetcher, Hub, Links, Network, Token};
use crate::Error;

impl Fetcher {
    /// Reads the environment: `BURN_ZOO_CACHE`, `BURN_ZOO_MIRROR`, `BURN_ZOO_OFFLINE`, and Hugging Face's
    /// variables ([`Hub::from_env`]). The token is `HF_TOKEN`, else `HUGGING_FACE_HUB_TOKEN`, else the
    /// one that `hf auth login` stored (`HF_TOKEN_PATH`, else `HF_HOME/token`); with
    /// `HF_HUB_DISABLE_IMPLICIT_TOKEN` there is no token. Every fetcher respects the proxy variables
    /// (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a variable has an invalid value, [`Error::Read`] if the file of
    /// `HF_TOKEN_PATH` cannot be read.
    pub fn from_env() -> Result<Self, Error> {
        let mirror = setting("BURN_ZOO_MIRROR")?;
        if let Some(base) = &mirror
            && !is_address(base)
        {
            return Err(Error::Setting {
                variable: "BURN_ZOO_MIRROR",
                value: base.clone(),
                allowed: "a URL such as https://mirror.example.org/models",
            });
        }
        let offline = setting("BURN_ZOO_OFFLINE")?.map(|value| value.to_lowercase());
        let network = match offline.as_deref() {
            None | Some("0" | "false" | "no" | "off") => Network::Online,
            Some(_) => Network::Offline,
        };
        Ok(Self {
            hub: Hub::from_env()?,
            mirror,
            network,
            token: token()?,
            ..Self::new(Cache::from_env()?)
        })
    }
}

impl Cache {
    /// `BURN_ZOO_CACHE`, else `burn-zoo` in the platform's cache folder.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the variable is not set and the user has no home directory.
    pub fn from_env() -> Result<Self, Error> {
        if let Some(folder) = folder("BURN_ZOO_CACHE") {
            return Ok(Self::new(folder));
        }
        match etcetera::base_strategy::choose_native_strategy() {
            Ok(platform) => Ok(Self::new(platform.cache_dir().join("burn-zoo"))),
            Err(_) => Err(homeless("BURN_ZOO_CACHE", "a folder for fetched files")),
        }
    }
}

impl Hub {
    /// Reads the environment. The hub is `HF_ENDPOINT`, else huggingface.co. Its folder is
    /// `BURN_ZOO_CACHE`, else `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `HF_HOME/hub`,
    /// `XDG_CACHE_HOME/huggingface/hub` or `~/.cache/huggingface/hub`. `HF_HUB_OFFLINE` (or
    /// `TRANSFORMERS_OFFLINE`) forbids the network, `HF_HUB_DISABLE_SYMLINKS` symbolic links.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a variable has an invalid value.
    pub fn from_env() -> Result<Self, Error> {
        let endpoint = setting("HF_ENDPOINT")?.unwrap_or_else(|| ENDPOINT.to_owned());
        if !is_address(&endpoint) {
            return Err(Error::Setting {
                variable: "HF_ENDPOINT",
                value: endpoint,
                allowed: "a URL such as https://huggingface.co",
            });
        }
        let named = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"];
        let folder = match folder("BURN_ZOO_CACHE") {
            Some(folder) => folder,
            None => match named.into_iter().find_map(self::folder) {
                Some(folder) => expanded(&folder),
                None => home()?.join("hub"),
            },
        };
        let is_offline = is_true("HF_HUB_OFFLINE")? || is_true("TRANSFORMERS_OFFLINE")?;
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            folder,
            network: match is_offline {
                true => Network::Offline,
                false => Network::Online,
            },
            links: match is_true("HF_HUB_DISABLE_SYMLINKS")? {
                true => Links::Never,
                false => Links::WherePossible,
            },
        })
    }
}

/// The user's token, if any.
fn token() -> Result<Option<Token>, Error> {
    if is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")? {
        return Ok(None);
    }
    let usable = |text: String| Some(Token::new(&text)).filter(|token| !token.is_empty());
    for variable in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        if let Some(token) = setting(variable)?.and_then(usable) {
            return Ok(Some(token));
        }
    }
    let named = folder("HF_TOKEN_PATH").map(|path| expanded(&path));
    let path = match &named {
        Some(path) => path.clone(),
        None => match home() {
            Ok(home) => home.join("token"),
            Err(_) => return Ok(None),
        },
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(usable(text)),
        // If the user did not set the path, an unreadable file is no error: most repositories are public.
        Err(error) if named.is_none() || error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// Hugging Face's home folder, which is the same on every platform.
fn home() -> Result<PathBuf, Error> {
    if let Some(home) = folder("HF_HOME") {
        return Ok(expanded(&home));
    }
    if let Some(caches) = folder("XDG_CACHE_HOME") {
        return Ok(expanded(&caches).join("huggingface"));
    }
    let home = etcetera::home_dir()
        .map_err(|_| homeless("HF_HOME", "a folder for files of Hugging Face"))?;
    Ok(home.join(".cache/huggingface"))
}

fn homeless(variable: &'static str, allowed: &'static str) -> Error {
    Error::Setting {
        variable,
        value: "not set, and there is no home directory".into(),
        allowed,
    }
}

fn folder(variable: &str) -> Option<PathBuf> {
    let value = std::env::var_os(variable).filter(|path| !path.is_empty())?;
    Some(value.into())
}

/// Expands `~` and `$VARIABLE`, as `huggingface_hub` does, because no shell expands them in settings files.
fn expanded(path: &Path) -> PathBuf {
    let Some(text) = path.to_str() else {
        return path.to_owned();
    };
    let home = || etcetera::home_dir().ok();
    let text = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '\\']) => match home() {
            Some(home) => format!("{}{rest}", home.display()),
            None => text.to_owned(),
        },
        _ => text.to_owned(),
    };
    let Ok(variable) = Regex::new(r"\$(?:(\w+)|\{([^}]*)\})") else {
        return text.into();
    };
    let value = |found: &Captures<'_>| {
        let name = found
            .get(1)
            .or(found.get(2))
            .map_or("", |name| name.as_str());
        std::env::var(name).unwrap_or_else(|_| found[0].to_owned())
    };
    variable.replace_all(&text, value).into_owned().into()
}

/// Parsed as in `huggingface_hub`.
fn is_true(variable: &'static str) -> Result<bool, Error> {
    let value = setting(variable)?.map(|value| value.to_uppercase());
    Ok(matches!(
        value.as_deref(),
        Some("1" | "ON" | "YES" | "TRUE")
    ))
}

fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// The value of an environment variable, if it is set.
fn setting(variable: &'static str) -> Result<Option<String>, Error> {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        None => Ok(None),
        // The message does not show the value, which may be a token.
        Some(value) => value.into_string().map(Some).map_err(|_| Error::Setting {
            variable,
            value: "not valid UTF-8".into(),
            allowed: "UTF-8 text",
        }),
    }
}
