//! TLS before a server that speaks none, or before one for a name that is not its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Ends with its connections when dropped.
pub struct TlsFront {
    /// On 127.0.0.1.
    pub port: u16,
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl TlsFront {
    /// Before a server on this machine, with a certificate and its key in PEM.
    pub fn before(port: u16, certificate: &str, key: &str) -> Self {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let end = CancellationToken::new();
        let ended = end.clone();
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve(&listener, target, &acceptor) => {}
                    () = ended.cancelled() => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("tls front".to_owned()).spawn(body).unwrap();
        Self { port, end, thread: Some(thread) }
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.end.cancel();
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(listener: &TcpListener, target: SocketAddr, acceptor: &TlsAcceptor) {
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let acceptor = acceptor.clone();
        tasks.spawn(async move {
            // A client that does not trust the certificate hangs up: that is what is tested.
            let Ok(mut client) = acceptor.accept(client).await else { return };
            let Ok(mut server) = TcpStream::connect(target).await else { return };
            drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
        });
        while tasks.try_join_next().is_some() {}
    }
}
