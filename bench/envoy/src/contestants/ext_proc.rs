//! A peer that decides in a process of its own: a server of Envoy's external processing (gRPC), as
//! light as it can be. Envoy asks it about the headers of every request.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use proto::external_processor_server::{ExternalProcessor, ExternalProcessorServer};
use proto::{
    AppendAction, CommonResponse, HeaderMutation, HeaderValue, HeaderValueOption, HeadersResponse,
    ProcessingRequest, ProcessingResponse,
};

/// What `build.rs` makes of `proto/ext_proc.proto`.
#[allow(clippy::all, unreachable_pub, missing_debug_implementations)]
mod proto {
    tonic::include_proto!("envoy.service.ext_proc.v3");
}

/// The server as a process; ends when dropped, or when this program ends.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    addr: SocketAddr,
}

/// What the process does.
#[derive(Debug)]
struct Decide;

// === impl Server ===

impl Server {
    /// Starts this program again as the server, on this thread's core.
    ///
    /// # Errors
    ///
    /// If it does not say where it listens.
    pub(crate) fn start() -> Result<Self> {
        // Not by its name: a new build may have taken it in the meantime.
        let mut process = Command::new("/proc/self/exe")
            .arg0("rig")
            .arg("ext-proc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of the terminal's Ctrl-C, as Envoy is.
            .process_group(0)
            .spawn()
            .context("cannot run the ext_proc server")?;
        let mut line = String::new();
        let read = match process.stdout.take() {
            Some(said) => BufReader::new(said).read_line(&mut line),
            None => Ok(0),
        };
        let addr = read
            .map_err(anyhow::Error::from)
            .and_then(|_| Ok(line.trim().parse()?));
        match addr {
            Ok(addr) => Ok(Self { process, addr }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(error.context("the ext_proc server did not start"))
            }
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves until standard input is closed: until who started it is gone.
pub(crate) fn serve() -> Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    crate::run_on_one_thread(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        let connections = TcpListenerStream::new(listener).map(|connection| {
            let connection = connection?;
            connection.set_nodelay(true)?;
            std::io::Result::Ok(connection)
        });
        tonic::transport::Server::builder()
            .add_service(ExternalProcessorServer::new(Decide))
            .serve_with_incoming(connections)
            .await?;
        Ok(())
    })
}

// === impl Decide ===

#[tonic::async_trait]
impl ExternalProcessor for Decide {
    type ProcessStream = Pin<Box<dyn Stream<Item = Result<ProcessingResponse, Status>> + Send>>;

    async fn process(
        &self,
        requests: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Self::ProcessStream>, Status> {
        let answers = requests
            .into_inner()
            .map(|request| request.map(|request| decide(&request)));
        Ok(Response::new(Box::pin(answers)))
    }
}

/// The same decision as the filter's for one rollout.
fn decide(request: &ProcessingRequest) -> ProcessingResponse {
    let headers = request
        .request_headers
        .as_ref()
        .and_then(|headers| headers.headers.as_ref());
    let value = |name: &str| {
        let found = headers?.headers.iter().find(|header| header.key == name)?;
        Some(found.raw_value.as_slice())
    };
    let matches = value(":path").is_some_and(|path| path.starts_with(PREFIX));
    let mutation = matches.then(|| {
        let canary = value("x-user-id").is_some_and(|user| bucket(user) < 500_000);
        let (arm, version, cluster) = match canary {
            true => ("canary", "prompt-v42", "agent-v42"),
            false => ("stable", "prompt-v41", "agent-v41"),
        };
        let headers = [
            ("x-breakglass-rollout", "agent-0000"),
            ("x-breakglass-arm", arm),
            ("x-breakglass-version", version),
            ("x-breakglass-generation", "1"),
            ("x-breakglass-cluster", cluster),
        ];
        HeaderMutation {
            set_headers: headers.map(set).to_vec(),
        }
    });
    ProcessingResponse {
        request_headers: Some(HeadersResponse {
            response: Some(CommonResponse {
                clear_route_cache: mutation.is_some(),
                header_mutation: mutation,
            }),
        }),
    }
}

fn set((name, value): (&str, &str)) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            raw_value: value.into(),
        }),
        append_action: AppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

/// FNV-1a, as in `decide.lua`.
fn bucket(unit: &[u8]) -> u32 {
    let step = |hash: u32, &byte: &u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    unit.iter().fold(2_166_136_261, step) % 1_000_000
}

/// What Envoy's configuration calls the server.
pub(crate) const CLUSTER: &str = "ext-proc";

const PREFIX: &[u8] = b"/v1/agents/agent-0000";
