"""`stripe listen` against the running simulator: an event arrives, signed with the secret it printed.

Takes the program as its argument, SIMULATOR_URL and STRIPE_SECRET_KEY from the environment.
"""

import http.server
import os
import subprocess
import sys
import threading

import stripe

URL = os.environ["SIMULATOR_URL"]
KEY = os.environ["STRIPE_SECRET_KEY"]
CLI = sys.argv[1]
ENVIRONMENT = {**os.environ, "STRIPE_API_KEY": KEY, "STRIPE_CLI_TELEMETRY_OPTOUT": "1"}
BASE = ["--api-base", URL]

arrived = threading.Event()
delivery = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        delivery.append((body, self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.end_headers()
        arrived.set()

    def log_message(self, *_):
        pass


def ask(*arguments):
    done = subprocess.run(
        [CLI, *arguments, *BASE], env=ENVIRONMENT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
secret = ask("listen", "--all-snapshot", "--skip-update", "--print-secret").strip()
assert secret.startswith("whsec_"), secret
forward = ["--forward-to", f"http://127.0.0.1:{server.server_port}/"]
listening = subprocess.Popen(
    [CLI, "listen", "--all-snapshot", "--skip-update", *forward, *BASE],
    env=ENVIRONMENT,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
)
# Whatever is wrong, this ends.
watch = threading.Timer(30, listening.kill)
watch.daemon = True
watch.start()
try:
    for line in listening.stdout:
        if "Ready!" in line:
            break
    made = ask("post", "/v1/customers", "-d", "name=Ann")
    assert '"Ann"' in made, made
    assert '"Ann"' in ask("get", "/v1/customers"), "the customer is not listed"
    assert arrived.wait(10), "no event arrived"
    event = stripe.Webhook.construct_event(delivery[0][0], delivery[0][1], secret)
    assert event.type == "customer.created", event
finally:
    listening.terminate()
    listening.wait()
print("Stripe's command line: get, post, listen")
