from urllib.parse import unquote

from django.conf import settings
from django.http import HttpResponseForbidden, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from . import galaxypay
from .models import Order

AMOUNT = 109000
DESCRIPTION = "Cà phê sữa đá"


class SeeOther(HttpResponseRedirect):
    status_code = 303


@require_GET
def home(request):
    return render(request, "home.html", {"description": DESCRIPTION})


@require_POST
def buy(request):
    if "order" in request.POST:
        order = get_object_or_404(Order, id=request.POST["order"])
    else:
        order = galaxypay.new_order(AMOUNT, DESCRIPTION)
    endpoint = galaxypay.pay(order) if order.status == "open" else None
    return SeeOther(endpoint or f"/orders/{order.id}")


@require_GET
@never_cache
def show_order(request, order_id, result=""):
    """The page of an order. It goes by the shop's own order; result is what the customer's browser has brought."""
    order = get_object_or_404(Order, id=order_id)
    confirming = order.status == "open" and result in ("paid", "pending")
    return render(request, "order.html", {"order": order, "confirming": confirming})


@require_GET
def result(request):
    """Only a page: goods go by the IPN."""
    if "Galaxypay-Callback" not in request.headers:
        return HttpResponseForbidden("This did not come through galaxypay_result.")
    order_id = unquote(request.headers.get("Galaxypay-Order-Id", ""))
    return show_order(request, order_id, request.headers["Galaxypay-Payment-Status"])


@csrf_exempt  # the sidecar has proven it
@require_POST
def ipn(request):
    if request.headers.get("Galaxypay-Callback") not in ("ipn", "query"):
        return HttpResponseForbidden("This did not come through galaxypay_ipn.")
    status, description = galaxypay.take_ipn(
        unquote(request.headers.get("Galaxypay-Order-Id", "")),
        unquote(request.headers.get("Galaxypay-Transaction-Id", "")),
        request.headers["Galaxypay-Payment-Status"],
        request.body,
    )
    return JsonResponse({"ipnStatus": status, "ipnDescription": description})


@require_POST
def refund(request):
    """For your staff: your shop's login belongs here, such as staff_member_required."""
    if not settings.STAFF_PASSWORD or request.POST.get("password") != settings.STAFF_PASSWORD:
        return HttpResponseForbidden("Only for staff. Start the shop with STAFF_PASSWORD.")
    order = get_object_or_404(Order, id=request.POST.get("order", ""))
    galaxypay.refund(order)
    return SeeOther(f"/orders/{order.id}")
