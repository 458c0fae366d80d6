"""Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does."""

import json
import logging
import secrets
from decimal import Decimal, InvalidOperation
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from .models import Message, Order

log = logging.getLogger(__name__)


def sidecar(operation, key, fields):
    """Posts plain JSON to the sidecar. Returns 'ok', 'not_sent', 'rejected' or 'unknown', and the answer."""
    fields = {**fields, "orderDateTime": timezone.localtime().strftime("%Y%m%d%H%M%S")}  # TIME_ZONE is Vietnam's
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    request = Request(f"{settings.GALAXYPAY_URL}/{operation}", json.dumps(fields).encode(), headers)
    try:
        with urlopen(request, timeout=35) as response:  # the sidecar waits 30 s
            return "ok", json.load(response)
    except HTTPError as refusal:
        text = refusal.read()
        log.error("%s %s: %s %s", operation, key, refusal.code, text.decode(errors="replace"))  # says what to correct
        try:
            return json.loads(text).get("outcome", "unknown"), {}
        except ValueError:
            return "unknown", {}
    except (OSError, ValueError) as error:
        log.error("%s %s: %s", operation, key, error)
        return "unknown", {}


def new_order(amount, description):
    """Makes an order, and the key of its payment with it: the key is kept before anything is sent."""
    order_id = "DH-" + secrets.token_hex(5)
    return Order.objects.create(id=order_id, amount=amount, description=description, pay_key=f"{order_id}-pay-1")


def pay(order):
    """Opens the payment of an order. Returns the payment page, or None. Repeated, it sends the same key: one payment."""
    outcome, answer = sidecar("pay", order.pay_key, {
        "orderID": order.id,
        "orderAmount": order.amount,
        "orderCurrency": order.currency,
        "orderDescription": order.description,
        "paymentMethod": "DOMESTIC",
    })
    if outcome == "ok":
        Order.objects.filter(id=order.id, transaction_id="").update(transaction_id=answer["transactionID"])
        return answer["endpoint"]
    if outcome == "rejected":  # the gateway's proven no: the customer may make another order
        Order.objects.filter(id=order.id, status="open").update(status="failed")
    return None  # unknown or not_sent: the order stays open, to be tried again under the same key


def take_ipn(order_id, transaction_id, status, body):
    """Takes a proven IPN. Returns ipnStatus and ipnDescription."""
    order = Order.objects.filter(id=order_id).first()
    if order is None:
        return "404", "No such order"
    data = json.loads(body)["responseData"]
    try:
        with transaction.atomic():  # what is noted, and what is done for it, together
            Message.objects.create(order=order, transaction_id=transaction_id, status=status)
            return change_order(order, transaction_id, status, data)
    except IntegrityError:
        return "409", "Noted before"  # an IPN can come twice


def change_order(order, transaction_id, status, data):
    """What an IPN does to the order: only 'paid' hands out goods, and nothing undoes it."""
    unpaid = Order.objects.filter(id=order.id, status__in=["open", "failed"])
    if status == "disputed" or (status == "paid" and not is_full_payment(order, data)):
        log.error("%s: transaction %s has another amount than the order; a person must look at it", order.id, transaction_id)
        unpaid.update(status="review")
        return "200", "Another amount than ordered"
    if status == "paid":
        # Hand out the goods here.
        if unpaid.update(status="paid", transaction_id=transaction_id, handed_out=F("handed_out") + 1) == 1:
            return "200", "Paid"
        log.error("%s: paid again, by transaction %s; a person must look at it", order.id, transaction_id)
        return "409", "Paid before"
    if status in ("cancelled", "expired", "failed"):
        Order.objects.filter(id=order.id, status="open").update(status="failed")
    return "200", "Noted"


def is_full_payment(order, data):
    """Compares by value: the gateway writes 109000, "109000" or "109000.00"."""
    try:
        return Decimal(str(data.get("orderAmount"))) == order.amount and data.get("orderCurrency") == order.currency
    except InvalidOperation:
        return False


def refund(order):
    """Gives the money of a paid order back. Repeated after 'unknown', it sends the same key: one refund."""
    key = f"{order.id}-refund-{order.refunds_refused + 1}"
    Order.objects.filter(id=order.id, status="paid", refunds_refused=order.refunds_refused).update(
        status="refunding", refund_key=key)  # kept before anything is sent
    order.refresh_from_db()
    if order.status != "refunding":
        return
    outcome, _ = sidecar("refund", order.refund_key, {
        "orderID": order.id,
        "transactionID": order.transaction_id,
        "orderAmount": order.amount,
        "orderCurrency": order.currency,
        "orderDescription": "Refund",
    })
    refunding = Order.objects.filter(id=order.id, status="refunding", refund_key=order.refund_key)
    if outcome == "ok":
        refunding.update(status="refunded")
    elif outcome == "rejected":  # the gateway's proven no: another try is another key
        refunding.update(status="paid", refunds_refused=F("refunds_refused") + 1)
