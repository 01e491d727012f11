//! Where a browser may be sent afterwards: only home.

use axum::http::Uri;

use crate::config::Server;

/// A longer URL is refused.
pub const URL_LENGTH_MAX: usize = 500;

/// Only over HTTP(S), and only to the frontend itself or a listed host (`host` for any port, or `host:port`).
pub fn may_redirect_to(url: &str, server: &Server) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let (Some("http" | "https"), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return false;
    };
    // A name and password before the host are only ever there to mislead.
    if authority.as_str().contains('@') {
        return false;
    }
    let to_frontend = server.frontend_url.parse::<Uri>().is_ok_and(|frontend| {
        frontend.scheme() == url.scheme() && frontend.authority() == url.authority()
    });
    to_frontend
        || server.redirect_hosts.iter().any(|allowed| {
            authority.as_str().eq_ignore_ascii_case(allowed)
                || authority.host().eq_ignore_ascii_case(allowed)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn redirects_stay_at_home() {
        let mut server = Settings::defaults().unwrap().config().unwrap().server;
        server.frontend_url = "https://app.example.com".to_owned();
        server.redirect_hosts = vec!["localhost".to_owned()];
        for (url, allowed) in [
            ("https://app.example.com/done?s={CHECKOUT_SESSION_ID}", true),
            ("https://APP.example.com/", true),
            ("http://localhost:5173/done", true),
            ("http://app.example.com/", false),
            ("https://app.example.com:666/", false),
            ("https://evil.example.com/", false),
            ("https://app.example.com.evil.org/", false),
            ("https://app.example.com@evil.org/", false),
            ("https://localhost:x@evil.org/", false),
            ("//app.example.com/", false),
            ("javascript:alert(1)", false),
            ("/done", false),
            ("", false),
        ] {
            assert_eq!(may_redirect_to(url, &server), allowed, "{url}");
        }
    }
}
