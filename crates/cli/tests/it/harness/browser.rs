//! A real browser, without a screen, that finds nothing but this machine.

use std::path::Path;

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{Http, PATIENCE, driver::Driver, variable};

/// How the pages are looked at: a name, width and height in pixels, and whether it is held in the hand.
type Screen = (&'static str, u32, u32, bool);
const DESKTOP: Screen = ("desktop", 1280, 800, false);
const PHONE: Screen = ("phone", 390, 844, true);

/// Names lead nowhere but to this machine: what a page loads from elsewhere fails, and is complained about.
const RESOLVER: &str = "MAP billing.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

/// Chromium with one tab; gone when this is dropped.
pub struct Browser {
    client: Client,
    session: String,
    http: Http,
    /// Stops before the profile is removed.
    driver: Driver,
    _profile: TempDir,
}

impl Browser {
    pub async fn start() -> Self {
        let driver = Driver::start().await;
        let profile = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(profile.path()))
            .connect(&driver.url)
            .await
            .unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        let browser = Self { client, session, http: Http::new(), driver, _profile: profile };
        browser.look(DESKTOP, "light").await;
        browser
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Waits for an element and clicks it.
    pub async fn press(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Presses what leads to another page, and waits for that one: what it does is done by then, though the next
    /// page may look like this one.
    pub async fn send(&self, css: &str) {
        self.run_script("window.sent = false").await;
        self.press(css).await;
        let left = async {
            let script = "return window.sent === undefined && document.readyState === 'complete'";
            while !matches!(self.client.execute(script, Vec::new()).await, Ok(Value::Bool(true))) {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(PATIENCE, left).await.is_ok(), "`{css}` leads nowhere");
    }

    /// Waits for an element and reads it.
    pub async fn read(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub async fn find(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no `{css}`: {error}\n{}", self.client.source().await.unwrap()),
        }
    }

    /// Types into a field, instead of what is in it.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses from a list.
    pub async fn choose(&self, css: &str, value: &str) {
        self.find(css).await.select_by_value(value).await.unwrap();
    }

    /// Waits until an element says this, whether the page is another one by then or not.
    pub async fn see(&self, css: &str, text: &str) {
        let words = Value::String(text.to_owned());
        let script = "return [...document.querySelectorAll(arguments[0])].some(e => e.innerText.includes(arguments[1]))";
        let seen = async {
            loop {
                let arguments = vec![Value::String(css.to_owned()), words.clone()];
                match self.client.execute(script, arguments).await {
                    Ok(Value::Bool(true)) => return,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        let is_seen = timeout(PATIENCE, seen).await.is_ok();
        let page = self.client.source().await.unwrap();
        assert!(is_seen, "`{css}` never says `{text}`\n{page}");
    }

    /// Waits until the address bar shows this.
    pub async fn arrive_at(&self, url: &str) {
        let expected = url.parse().unwrap();
        self.client.wait().at_most(PATIENCE).for_url(&expected).await.unwrap();
    }

    pub async fn address(&self) -> String {
        self.client.current_url().await.unwrap().into()
    }

    pub async fn run_script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// No page since the last look has logged a warning or an error: nothing failed to load, no policy
    /// was broken.
    pub async fn has_no_complaints(&self) {
        let log = self.drive("se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().unwrap().iter();
        let complaints: Vec<_> = entries.filter(|entry| entry["level"] != "INFO").collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// The page is accessible; and pictures of it, for people to look at.
    pub async fn examine(&self, name: &str) {
        self.is_accessible().await;
        self.photograph(name).await;
    }

    /// Nothing on the page is hard to use without eyes or without a mouse, as far as axe-core can tell, by day
    /// and by night.
    async fn is_accessible(&self) {
        let axe = std::fs::read_to_string(variable("TEST_AXE")).unwrap();
        let examine = "const done = arguments[0]; axe.run().then(found => done(found.violations.map(
            wrong => ({id: wrong.id, help: wrong.help, at: wrong.nodes.map(node => node.html + ' ' + node.failureSummary)})
        )));";
        for scheme in ["light", "dark"] {
            self.look(DESKTOP, scheme).await;
            let wrong = self.client.execute_async(&format!("{axe};{examine}"), Vec::new()).await;
            assert_eq!(wrong.unwrap(), json!([]), "{} in the {scheme}", self.address().await);
        }
        self.look(DESKTOP, "light").await;
    }

    /// Takes pictures of the page as it is, for people to look at: `target/screens/NAME-….png`.
    pub async fn photograph(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screens");
        std::fs::create_dir_all(&folder).unwrap();
        for screen in [DESKTOP, PHONE] {
            for scheme in ["light", "dark"] {
                self.look(screen, scheme).await;
                let picture = self.client.screenshot().await.unwrap();
                let file = format!("{name}-{}-{scheme}.png", screen.0);
                std::fs::write(folder.join(file), picture).unwrap();
            }
        }
        self.look(DESKTOP, "light").await;
    }

    async fn look(&self, (_, width, height, mobile): Screen, scheme: &str) {
        let screen =
            json!({"width": width, "height": height, "mobile": mobile, "deviceScaleFactor": 1});
        self.emulate("Emulation.setDeviceMetricsOverride", screen).await;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.emulate("Emulation.setEmulatedMedia", media).await;
    }

    async fn emulate(&self, command: &str, params: Value) {
        self.drive("goog/cdp/execute", json!({"cmd": command, "params": params})).await;
    }

    /// A command that only this driver knows.
    async fn drive(&self, command: &str, body: Value) -> Value {
        let url = format!("{}/session/{}/{command}", self.driver.url, self.session);
        self.http.post(&url, "", &body).await.json()["value"].take()
    }
}

fn capabilities(profile: &Path) -> Capabilities {
    let mut words: Vec<String> = [
        "headless",
        "no-sandbox", // tests may run as root
        "no-first-run",
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    ]
    .map(str::to_owned)
    .into();
    words.push(format!("user-data-dir={}", profile.display()));
    words.push(format!("host-resolver-rules={RESOLVER}"));
    let wanted = json!({
        "goog:chromeOptions": {"binary": variable("TEST_CHROMIUM"), "args": words},
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    wanted.as_object().unwrap().clone()
}
