//! Records as syslog messages (RFC 5424): over TLS (RFC 5425), over TCP with octet counting (RFC 6587), or to a Unix
//! socket, each in a datagram.
//!
//! Syslog has no acknowledgement. On a stream we end our side after the last message, and the receiver's end says that it
//! has read everything. Over TLS that is its `close_notify`, which only the receiver can make. The operating system acknowledges
//! a datagram.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixDatagram;
use tokio_rustls::TlsConnector;
use toolvault_core::audit::record::Record;
use toolvault_core::identity::InstallationId;
use toolvault_vault::RecordedPage;

use super::{DeliveryError, Severity, uid};
use crate::http::{HttpError, HttpPolicy, Url, bare_host, client_config, connect};

/// The facility `log audit`, at its place in a priority.
const LOG_AUDIT: u8 = 13 << 3;

/// Where messages go.
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(Url),
    Tls(Url),
}

impl Address {
    /// The address in a URL with the scheme `syslog+tls`, `syslog+tcp` or `syslog+unix`, if a connection to it could
    /// start under `policy`; `None` for other schemes.
    pub(super) fn of(url: &str, policy: &HttpPolicy) -> Result<Option<Self>, HttpError> {
        let Some((transport, _)) = url
            .strip_prefix("syslog+")
            .and_then(|rest| rest.split_once(':'))
        else {
            return Ok(None);
        };
        let parsed = Url::parse(url).map_err(|_| HttpError::InvalidUrl)?;
        let is_encrypted = transport == "tls";
        match transport {
            "unix" if parsed.host_str().is_none_or(str::is_empty) && parsed.path().len() > 1 => {
                return Ok(Some(Self::Unix(PathBuf::from(parsed.path()))));
            }
            "tcp" | "tls" if parsed.port().is_some() => {}
            _ => return Err(HttpError::InvalidUrl),
        }
        policy.check_host(&parsed, is_encrypted)?;
        Ok(Some(if is_encrypted {
            Self::Tls(parsed)
        } else {
            Self::Tcp(parsed)
        }))
    }
}

/// A receiver of messages.
pub(super) struct Target {
    address: Address,
    policy: HttpPolicy,
    connector: Option<TlsConnector>,
    allows_unclean_end: bool,
}

impl Target {
    pub(super) fn new(
        address: Address,
        policy: HttpPolicy,
        allows_unclean_end: bool,
    ) -> Result<Self, HttpError> {
        let config = matches!(address, Address::Tls(_))
            .then(|| client_config(policy.ca_file.as_deref()))
            .transpose()?;
        Ok(Self {
            connector: config.map(|config| TlsConnector::from(Arc::new(config))),
            address,
            policy,
            allows_unclean_end,
        })
    }

    /// Sends messages, until the receiver has them.
    pub(super) async fn send(&self, messages: &[String]) -> Result<(), DeliveryError> {
        let sent = tokio::time::timeout(self.policy.total_timeout, self.transmit(messages)).await;
        sent.unwrap_or(Err(DeliveryError::NoAnswer(HttpError::Timeout)))
    }

    async fn transmit(&self, messages: &[String]) -> Result<(), DeliveryError> {
        let url = match &self.address {
            Address::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                for message in messages {
                    socket.send(message.as_bytes()).await?;
                }
                return Ok(());
            }
            Address::Tcp(url) | Address::Tls(url) => url,
        };
        let stream = connect(&self.policy, url).await?;
        match &self.connector {
            None => transfer(stream, messages).await?,
            Some(connector) => {
                let host = url.host_str().map(bare_host).unwrap_or_default();
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                let stream = connector.connect(name, stream).await?;
                match transfer(stream, messages).await {
                    // rustls says so if there was no close_notify.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        if !self.allows_unclean_end {
                            return Err(DeliveryError::UncleanEnd);
                        }
                    }
                    transferred => transferred?,
                }
            }
        }
        Ok(())
    }
}

/// Sends messages with their lengths, and waits until the receiver has read them all.
async fn transfer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    messages: &[String],
) -> io::Result<()> {
    for message in messages {
        let length = message.len();
        stream
            .write_all(format!("{length} {message}").as_bytes())
            .await?;
    }
    stream.shutdown().await?;
    let mut rest = [0; 1_024];
    loop {
        match stream.read(&mut rest).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The messages of these pages, in their order.
pub(super) fn messages(
    installation: InstallationId,
    pages: &[RecordedPage],
) -> impl Iterator<Item = String> {
    pages.iter().flat_map(move |page| {
        let records = page.records.iter();
        records.map(move |(record, line)| message(installation, page, record, line))
    })
}

fn message(
    installation: InstallationId,
    page: &RecordedPage,
    record: &Record,
    line: &str,
) -> String {
    let priority = LOG_AUDIT
        + match Severity::of(record) {
            Severity::Error => 3,
            Severity::Warning => 4,
            Severity::Information => 6,
        };
    let (at, action, uid) = (record.at, record.action, uid(page, record));
    format!(
        "<{priority}>1 {at} - toolvault - {action} - \
         {{\"installation\":\"{installation}\",\"uid\":\"{uid}\",\"record\":{line}}}"
    )
}
