//! Which proxies a command talks to, as they are typed.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::input;
use crate::proxy::Proxy;
use crate::typed::duration;

/// Which proxies, and how they are reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "Proxies")]
pub(crate) struct TargetArguments {
    /// The operator listeners of the proxies, repeated or separated by commas: `host:port`,
    /// `http://…`, `https://…`, `@FILE` (one a line, `#` comments), `dns:NAME:PORT` (every address of
    /// the name is a proxy)
    #[arg(long, value_name = "TARGET", required = true, value_delimiter = ',')]
    targets: Vec<String>,
    /// How long one call of one proxy may take
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    timeout: Duration,
    /// Trust these certificate authorities (PEM) instead of the public ones. With --ca or --cert,
    /// `host:port` and `dns:` mean https
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Show this client certificate (PEM, with its chain)
    #[arg(long, value_name = "FILE", requires = "cert_key")]
    cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    cert_key: Option<PathBuf>,
}

/// Targets that could be read; what their names stand for is not known yet.
pub(crate) struct Targets {
    targets: Vec<Target>,
    tls: TlsConfig,
    timeout: Duration,
    /// Who was asked last: whoever is asked again is so on the same connection.
    known: Mutex<BTreeMap<String, Proxy>>,
}

/// What connections need, and whether targets that do not say so are spoken to in TLS.
struct Tls {
    config: TlsConfig,
    scheme: &'static str,
}

/// One or, for `dns:`, many proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// By the name that was typed, and the address without its last `/`.
    Url { name: String, base: String },
    /// Every address of a host's name.
    Dns {
        scheme: &'static str,
        host: String,
        port: u16,
    },
}

// === impl TargetArguments ===

impl TargetArguments {
    /// Reads the targets and what the connections need.
    ///
    /// # Errors
    /// What is not of the form of a target, where it stands, or files that cannot be read.
    pub(crate) fn read(&self) -> Result<Targets> {
        let tls = Tls::new(
            self.ca.as_deref(),
            self.cert.as_deref(),
            self.cert_key.as_deref(),
        )?;
        Targets::read(&self.targets, |_| "--targets".into(), tls, self.timeout)
    }
}

/// The lines of a file of targets with their numbers, without comments.
fn lines(file: &Path) -> Result<Vec<(usize, String)>> {
    let bytes = input::document(file, LIST_BYTES)?;
    let text = String::from_utf8(bytes);
    let text = text.with_context(|| format!("{} holds no text", file.display()))?;
    let lines = (1..).zip(text.lines()).map(|(number, line)| {
        let line = line.split('#').next().unwrap_or_default();
        (number, line.trim().to_owned())
    });
    Ok(lines.filter(|(_, line)| !line.is_empty()).collect())
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let items = pem(file)?.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = items.collect();
    match certificates.is_empty() {
        true => bail!(
            "{} holds no certificate, expected PEM with `BEGIN CERTIFICATE`",
            file.display()
        ),
        false => Ok(certificates),
    }
}

fn private_key(file: &Path) -> Result<PrivateKey<'static>> {
    let mut items = pem(file)?.into_iter().filter_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    items.next().with_context(|| {
        format!(
            "{} holds no private key, expected PEM with `BEGIN PRIVATE KEY`, unencrypted",
            file.display()
        )
    })
}

fn pem(file: &Path) -> Result<Vec<PemItem<'static>>> {
    let bytes = input::document(file, LIST_BYTES)?;
    let items: Result<Vec<_>, _> = parse_pem(&bytes).collect();
    items.map_err(|error| anyhow!("{} is no PEM: {error}", file.display()))
}

// === impl Tls ===

impl Tls {
    fn new(ca: Option<&Path>, cert: Option<&Path>, cert_key: Option<&Path>) -> Result<Self> {
        let mut tls = TlsConfig::builder();
        if let Some(file) = ca {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(file)?));
        }
        match (cert, cert_key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(cert)?;
                tls = tls.client_cert(Some(ClientCert::new_with_certs(&chain, private_key(key)?)));
            }
            (None, None) => {}
            _ => bail!("a client certificate needs its private key, and the other way round"),
        }
        Ok(Self {
            config: tls.build(),
            scheme: match ca.is_some() || cert.is_some() {
                true => "https",
                false => "http",
            },
        })
    }
}

// === impl Targets ===

impl Targets {
    /// Reads targets of a list, such as one in a configuration. With a certificate authority or a client
    /// certificate, `host:port` and `dns:` mean https. `@FILE` is a path as it stands.
    ///
    /// # Errors
    /// What is not of the form of a target and where it stands, `place` with its index; or files that
    /// cannot be read.
    pub(crate) fn parse(
        texts: &[String],
        place: &str,
        ca: Option<&Path>,
        cert: Option<&Path>,
        cert_key: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self> {
        if texts.is_empty() {
            bail!("{place}: expected at least one target");
        }
        let tls = Tls::new(ca, cert, cert_key)?;
        Self::read(texts, |index| format!("{place}[{index}]"), tls, timeout)
    }

    fn read(
        texts: &[String],
        place: impl Fn(usize) -> String,
        tls: Tls,
        timeout: Duration,
    ) -> Result<Self> {
        let mut targets = Vec::new();
        let mut add = |text: &str, place: &str| {
            let target = Target::parse(text, tls.scheme)
                .with_context(|| format!("{place}: `{text}` is no target"))?;
            // Who is named twice is asked once.
            if !targets.contains(&target) {
                targets.push(target);
            }
            anyhow::Ok(())
        };
        for (index, text) in texts.iter().enumerate() {
            let (text, place) = (text.trim(), place(index));
            match text.strip_prefix('@') {
                None => add(text, &place)?,
                Some(file) => {
                    let lines = lines(Path::new(file)).with_context(|| place)?;
                    for (line, text) in lines {
                        add(&text, &format!("{file}:{line}"))?;
                    }
                }
            }
        }
        if targets.is_empty() {
            bail!("{}: the files name no target", place(0));
        }
        Ok(Self {
            targets,
            tls: tls.config,
            timeout,
            known: Mutex::default(),
        })
    }

    /// The proxies. Names that stand for many are looked up now; what cannot be found is a proxy that
    /// cannot be reached.
    pub(crate) fn proxies(&self) -> Vec<Proxy> {
        let deadline = Instant::now() + self.timeout;
        // All at once, so that they take no longer than one.
        let lookups: Vec<_> = self.targets.iter().map(Target::look_up).collect();
        let mut proxies: Vec<Proxy> = Vec::new();
        for (target, lookup) in self.targets.iter().zip(lookups) {
            for proxy in self.proxies_of(target, lookup, deadline) {
                if !proxies.iter().any(|known| known.name() == proxy.name()) {
                    proxies.push(proxy);
                }
            }
        }
        let mut known = self.known();
        if known.len() > proxies.len() {
            // A name stands for others now.
            known.retain(|name, _| proxies.iter().any(|proxy| proxy.name() == name));
        }
        drop(known);
        proxies
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Proxy>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn proxies_of(
        &self,
        target: &Target,
        lookup: Option<Receiver<io::Result<Vec<SocketAddr>>>>,
        deadline: Instant,
    ) -> Vec<Proxy> {
        let proxy = |name: &str, base: &str, address| {
            let mut known = self.known();
            let known = known.entry(name.to_owned());
            let new = || Proxy::new(name, base, address, &self.tls, self.timeout);
            known.or_insert_with(new).clone()
        };
        match (target, lookup) {
            (Target::Url { name, base }, _) => vec![proxy(name, base, None)],
            (Target::Dns { scheme, host, port }, lookup) => match found(host, lookup, deadline) {
                Ok(addresses) => {
                    // By its name, so that a certificate can be checked.
                    let base = format!("{scheme}://{host}:{port}");
                    let addresses = addresses.into_iter();
                    let each =
                        addresses.map(|address| proxy(&address.to_string(), &base, Some(address)));
                    each.collect()
                }
                Err(error) => vec![Proxy::lost(
                    &format!("dns:{host}:{port}"),
                    format!("{error:#}"),
                )],
            },
        }
    }
}

/// Every address of a host, in order. The system's own patience may be longer than ours.
fn found(
    host: &str,
    lookup: Option<Receiver<io::Result<Vec<SocketAddr>>>>,
    deadline: Instant,
) -> Result<Vec<SocketAddr>> {
    let left = deadline.saturating_duration_since(Instant::now());
    let addresses = lookup.and_then(|lookup| lookup.recv_timeout(left).ok());
    let addresses =
        addresses.with_context(|| format!("no answer in time about the name `{host}`"))?;
    let mut addresses = addresses.with_context(|| format!("cannot look up the name `{host}`"))?;
    addresses.sort_unstable();
    addresses.dedup();
    match addresses.is_empty() {
        true => bail!("the name `{host}` has no address"),
        false => Ok(addresses),
    }
}

// === impl Target ===

impl Target {
    /// Begins to look up the name of a target that has one.
    fn look_up(&self) -> Option<Receiver<io::Result<Vec<SocketAddr>>>> {
        let Self::Dns { host, port, .. } = self else {
            return None;
        };
        let (found, wait) = mpsc::channel();
        let (host, port) = (host.clone(), *port);
        thread::spawn(move || {
            let addresses = (host.as_str(), port).to_socket_addrs();
            // Nobody may be waiting any more.
            let _ = found.send(addresses.map(Iterator::collect));
        });
        Some(wait)
    }

    fn parse(text: &str, scheme: &'static str) -> Result<Self> {
        if let Some(name) = text.strip_prefix("dns:") {
            let (host, port) = host_and_port(name).context("expected dns:NAME:PORT")?;
            return Ok(Self::Dns { scheme, host, port });
        }
        let expected = "expected host:port, http://host:port, https://host, dns:NAME:PORT or @FILE";
        let base = match text.contains("://") {
            true => text.to_owned(),
            false => {
                host_and_port(text).context(expected)?;
                format!("{scheme}://{text}")
            }
        };
        let uri: Uri = base.parse().context(expected)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            bail!(expected);
        }
        if uri.query().is_some()
            || uri
                .authority()
                .is_some_and(|who| who.as_str().contains('@'))
        {
            bail!("a target has neither user nor query; {expected}");
        }
        Ok(Self::Url {
            name: text.trim_end_matches('/').to_owned(),
            base: base.trim_end_matches('/').to_owned(),
        })
    }
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    // Of addresses with colons only those in brackets can be told from their port.
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let legal = |host: &str| !host.is_empty() && !host.contains(['/', '@', ' ', ':']);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (bracketed || legal(host)).then(|| (host.to_owned(), port))
}

/// Bytes of a list of targets or a file of certificates.
const LIST_BYTES: usize = 4 << 20;
