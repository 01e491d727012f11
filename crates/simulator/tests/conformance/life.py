"""A subscription's life through Stripe's Python client, against the running simulator.

Takes SIMULATOR_URL and STRIPE_SECRET_KEY from the environment; ends with an error where anything is not
as Stripe documents it.
"""

import http.server
import json
import os
import threading
import time
import urllib.parse
import urllib.request

import stripe

URL = os.environ["SIMULATOR_URL"]
KEY = os.environ["STRIPE_SECRET_KEY"]
ADDRESSES = {"api": URL, "files": URL, "connect": URL, "meter_events": URL}

client = stripe.StripeClient(KEY, base_addresses=ADDRESSES)
deliveries = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        deliveries.append((body, self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def receive_webhooks():
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return client.v1.webhook_endpoints.create(
        {"url": f"http://127.0.0.1:{server.server_port}/", "enabled_events": ["*"]}
    )


def call(path, **form):
    data = urllib.parse.urlencode(form).encode() or None
    request = urllib.request.Request(URL + path, data, {"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def advance(seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(URL + "/_sim/clock", body, headers)).close()


def now():
    with urllib.request.urlopen(URL + "/_sim/clock") as answer:
        return json.load(answer)["now"]


def catalogue():
    product = client.v1.products.create({"name": "Pro"})
    meter = client.v1.billing.meters.create(
        {
            "display_name": "Calls",
            "event_name": "python_calls",
            "default_aggregation": {"formula": "sum"},
        }
    )
    monthly = {"currency": "usd", "product": product.id, "recurring": {"interval": "month"}}
    small = client.v1.prices.create({**monthly, "unit_amount": 900})
    large = client.v1.prices.create({**monthly, "unit_amount": 2900})
    usage = client.v1.prices.create(
        {
            "currency": "usd",
            "product": product.id,
            "unit_amount_decimal": "0.5",
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        }
    )
    feature = client.v1.entitlements.features.create({"lookup_key": "python", "name": "Python"})
    client.v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    return small, large, usage, meter


def check_out(customer, small, usage):
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": small.id, "quantity": 1}, {"price": usage.id}],
            "success_url": "https://app.example/done",
        }
    )
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    call(
        f"/v1/payment_pages/{session.id}/confirm", payment_method=method.id, expected_amount="900"
    )
    session = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert session.status == "complete" and session.payment_status == "paid", session
    assert session.subscription.status == "active", session.subscription
    return session.subscription


def change_plan(subscription, large):
    item = subscription["items"].data[0]
    change = [{"id": item.id, "price": large.id}]
    preview = client.v1.invoices.create_preview(
        {
            "subscription": subscription.id,
            "subscription_details": {"items": change, "proration_behavior": "always_invoice"},
        }
    )
    changed = client.v1.subscriptions.update(
        subscription.id,
        {
            "items": change,
            "proration_behavior": "always_invoice",
            "expand": ["latest_invoice.payments"],
        },
    )
    paid = changed.latest_invoice
    assert paid.total == preview.total == 2000, (paid.total, preview.total)
    assert paid.payments.data[0].payment.type == "payment_intent"


def report_usage(customer, meter):
    payload = {"stripe_customer_id": customer.id, "value": "40.5"}
    client.v1.billing.meter_events.create({"event_name": meter.event_name, "payload": payload})
    session = client.v2.billing.meter_event_session.create()
    streamed = stripe.StripeClient(session.authentication_token, base_addresses=ADDRESSES)
    event = {"event_name": meter.event_name, "payload": {**payload, "value": "1.5"}}
    streamed.v2.billing.meter_event_stream.create({"events": [event]})
    minute = now() // 60 * 60
    summaries = client.v1.billing.meters.event_summaries.list(
        meter.id, {"customer": customer.id, "start_time": minute - 3600, "end_time": minute + 60}
    )
    assert summaries.data[0].aggregated_value == 42, summaries


def schedule_downgrade(subscription, small):
    schedule = client.v1.subscription_schedules.create({"from_subscription": subscription.id})
    phase = schedule.phases[0]
    kept = [line.to_dict() for line in phase["items"]]
    items = [{key: line[key] for key in ("price", "quantity") if line.get(key)} for line in kept]
    # A phase that names no card leaves it to the customer's default.
    card = {"default_payment_method": phase.default_payment_method}
    later = {
        "items": [{"price": small.id, "quantity": 1}, items[1]],
        "duration": {"interval": "month", "interval_count": 1},
        **card,
    }
    present = {"items": items, "start_date": phase.start_date, "end_date": phase.end_date, **card}
    client.v1.subscription_schedules.update(
        schedule.id, {"end_behavior": "release", "phases": [present, later]}
    )
    advance(32 * 86_400)
    renewed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    lines = {line.pricing.price_details.price: line for line in renewed.latest_invoice.lines.data}
    assert lines[small.id].amount == 900, renewed.latest_invoice
    metered = [line for line in lines.values() if str(line.quantity_decimal) == "42"]
    assert [line.amount for line in metered] == [21], renewed.latest_invoice
    released = client.v1.subscription_schedules.release(schedule.id)
    assert released.status == "released"


def refused():
    try:
        client.v1.customers.retrieve("cus_nobody")
    except stripe.InvalidRequestError as error:
        assert error.code == "resource_missing" and error.http_status == 404, error
    else:
        raise AssertionError("a customer who does not exist was found")
    try:
        declining = {"payment_method": "pm_card_chargeDeclined", "confirm": True}
        client.v1.payment_intents.create({"amount": 100, "currency": "usd", **declining})
    except stripe.CardError as error:
        assert error.code == "card_declined", error
    else:
        raise AssertionError("a card that declines has paid")


def check_webhooks(endpoint, expected):
    until = time.monotonic() + 10
    seen = set()
    while time.monotonic() < until and not expected <= seen:
        for body, signature in deliveries:
            event = client.construct_event(body, signature, endpoint.secret)
            seen.add(event.type)
        time.sleep(0.1)
    assert expected <= seen, expected - seen
    try:
        client.construct_event(deliveries[0][0], deliveries[0][1], "whsec_other")
    except stripe.SignatureVerificationError:
        pass
    else:
        raise AssertionError("a signature by another secret was taken")


endpoint = receive_webhooks()
customer = client.v1.customers.create({"email": "ann@example.com", "name": "Ann"})
small, large, usage, meter = catalogue()
subscription = check_out(customer, small, usage)
entitled = client.v1.entitlements.active_entitlements.list({"customer": customer.id})
assert [entitlement.lookup_key for entitlement in entitled.data] == ["python"], entitled
change_plan(subscription, large)
report_usage(customer, meter)
schedule_downgrade(subscription, small)
found = client.v1.customers.search({"query": 'email:"ann@example.com" AND name~"Ann"'})
assert customer.id in [hit.id for hit in found.auto_paging_iter()]
client.v1.subscriptions.cancel(subscription.id, {"invoice_now": True, "prorate": True})
charges = list(client.v1.charges.list({"customer": customer.id, "limit": 1}).auto_paging_iter())
assert len(charges) == 3, charges
client.v1.refunds.create({"charge": charges[-1].id, "amount": 100})
refused()
check_webhooks(
    endpoint,
    {
        "checkout.session.completed",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "entitlements.active_entitlement_summary.updated",
        "invoice.paid",
        "subscription_schedule.released",
        "refund.created",
    },
)
client.v1.webhook_endpoints.delete(endpoint.id)
print(f"Python client {stripe.VERSION}: a subscription's life, {len(deliveries)} webhooks")
