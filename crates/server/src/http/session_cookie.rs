//! The cookie `session_token`, and what keeps other sites from using it.
//!
//! A browser sends a cookie whoever made it ask. `SameSite=Lax` keeps other sites' requests from carrying it;
//! for what changes something we do not rely on that alone: the browser's own words on where the request comes
//! from (`Sec-Fetch-Site`, `Origin`) must fit, and the page must show a token that only our own pages can read.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use subtle::ConstantTimeEq;
use url::Url;

use crate::{
    config::{Server, Session},
    error::{Error, Result},
};

const NAME: &str = "session_token";
const CSRF_HEADER: &str = "x-csrf-token";

/// What the cookie holds. `Err` where there is more than one: a neighbouring domain can add its own.
pub(super) fn read(headers: &HeaderMap) -> Option<Result<&str, &'static str>> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut held = cookies.flat_map(|line| line.split(';')).filter_map(|cookie| {
        let (name, value) = cookie.split_once('=')?;
        (name.trim() == NAME).then(|| value.trim())
    });
    match (held.next(), held.next()) {
        (None, _) => None,
        (Some(value), None) => Some(Ok(value)),
        (Some(_), Some(_)) => Some(Err(
            "There is more than one cookie `session_token`: clear the cookies of this site and its parents.",
        )),
    }
}

/// `Set-Cookie` for a session that begins.
pub fn kept(config: &Session, secret: &str, seconds: i64) -> String {
    format!("{NAME}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{}", secure(config))
}

/// `Set-Cookie` for a session that ends.
pub fn dropped(config: &Session) -> String {
    format!("{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{}", secure(config))
}

fn secure(config: &Session) -> &'static str {
    if config.secure { "; Secure" } else { "" }
}

/// Whether a request by cookie may do what it asks, as far as where it comes from.
///
/// # Errors
/// `CrossSite`, for what changes something and is not known to come from our own pages.
pub(super) fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    server: &Server,
    csrf_token: &str,
) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    if let Some(site) = headers.get("sec-fetch-site")
        && ![&b"same-origin"[..], b"same-site", b"none"].contains(&site.as_bytes())
    {
        return Err(Error::CrossSite("the browser says that another site made it"));
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && !origin.to_str().is_ok_and(|origin| is_ours(origin, headers, server))
    {
        return Err(Error::CrossSite(
            "its `Origin` is neither this host nor the one of `FRONTEND_URL`",
        ));
    }
    let shown = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if bool::from(shown.ct_eq(csrf_token.as_bytes())) {
        return Ok(());
    }
    Err(Error::CrossSite("`X-CSRF-Token` must be the `csrf_token` of `GET /api/v1/session`"))
}

/// The frontend, or the host that the request itself names.
fn is_ours(origin: &str, headers: &HeaderMap, server: &Server) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    let is_frontend =
        Url::parse(&server.frontend_url).is_ok_and(|frontend| frontend.origin() == origin.origin());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_here = host.is_some_and(|host| {
        Url::parse(&format!("{}://{host}", origin.scheme()))
            .is_ok_and(|here| here.origin() == origin.origin())
    });
    origin.origin().is_tuple() && (is_frontend || is_here)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::config::Settings;

    #[test]
    fn one_cookie_of_the_name_is_read_and_two_are_refused() {
        for (lines, expected) in [
            (&[][..], None),
            (&["a=b; other_session_token=c"], None),
            (&["session_token=abc"], Some(Some("abc"))),
            (&["a=b; session_token=abc ;c=d=e"], Some(Some("abc"))),
            (&["a=b", "session_token=abc"], Some(Some("abc"))),
            (&["session_token="], Some(Some(""))),
            (&["session_token=abc; session_token=def"], Some(None)),
            (&["session_token=abc", "session_token=abc"], Some(None)),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            assert_eq!(read(&headers).map(Result::ok), expected, "{lines:?}");
        }
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        let mut server = Settings::defaults().unwrap().config().unwrap().server;
        server.frontend_url = "https://app.example.com/home".to_owned();
        let good = ("x-csrf-token", "right");
        for (method, headers, passes) in [
            ("POST", &[good][..], true),
            ("POST", &[], false),
            ("DELETE", &[], false),
            ("POST", &[("x-csrf-token", "wrong")], false),
            ("POST", &[("x-csrf-token", "")], false),
            ("GET", &[("origin", "https://evil.example.com")], true),
            ("POST", &[good, ("origin", "https://app.example.com")], true),
            ("POST", &[good, ("origin", "http://app.example.com")], false),
            ("POST", &[good, ("origin", "https://app.example.com:8443")], false),
            ("POST", &[good, ("origin", "https://app.example.com.evil.org")], false),
            ("POST", &[good, ("origin", "https://api.example.com")], true),
            ("POST", &[good, ("origin", "null")], false),
            ("POST", &[good, ("origin", "file://api.example.com")], false),
            ("POST", &[good, ("sec-fetch-site", "same-origin")], true),
            ("POST", &[good, ("sec-fetch-site", "none")], true),
            ("POST", &[good, ("sec-fetch-site", "cross-site")], false),
            ("POST", &[good, ("sec-fetch-site", "whatever")], false),
        ] {
            let mut map = HeaderMap::new();
            map.insert("host", HeaderValue::from_static("api.example.com"));
            for (name, value) in headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            let method: Method = method.parse().unwrap();
            let passed = check_origin(&method, &map, &server, "right").is_ok();
            assert_eq!(passed, passes, "{method} {headers:?}");
        }
    }
}
