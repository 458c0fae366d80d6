from django.urls import path

from payments import views

urlpatterns = [
    path("", views.home),
    path("buy", views.buy),
    path("orders/<str:order_id>", views.show_order, name="order"),
    path("galaxypay/result", views.result),
    path("galaxypay/ipn", views.ipn),
    path("refund", views.refund),
]
