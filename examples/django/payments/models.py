from django.db import models


class Order(models.Model):
    """An order of the shop. Its keys are kept with it, before anything is sent."""

    id = models.CharField(primary_key=True, max_length=50)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="VND")
    description = models.CharField(max_length=250)
    status = models.CharField(max_length=20, default="open")  # failed, paid, refunding, refunded, review
    pay_key = models.CharField(max_length=50)
    transaction_id = models.CharField(max_length=50, default="", blank=True)
    handed_out = models.IntegerField(default=0)
    refund_key = models.CharField(max_length=50, default="", blank=True)
    refunds_refused = models.IntegerField(default=0)


class Message(models.Model):
    """A message about an order that the shop has taken. It can come twice."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT)
    transaction_id = models.CharField(max_length=50)
    status = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "transaction_id", "status"], name="taken_once"),
        ]
