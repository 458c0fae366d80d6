using System.Globalization;
using System.Net;
using System.Text.Json;

/// <summary>Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does.</summary>
public sealed class Payment(HttpClient client, Orders orders, ILogger<Payment> log)
{
    private sealed record Answer(string Outcome, JsonElement? Body = null)
    {
        public string? Text(string name) => Body is { } body && body.TryGetProperty(name, out var value) ? value.GetString() : null;
    }

    /// <summary>Posts plain JSON. The outcome of the answer is ok, not_sent, rejected or unknown. The client's timeout is 35 s.</summary>
    private async Task<Answer> Call(string operation, string key, Dictionary<string, object> fields)
    {
        var vietnam = DateTimeOffset.UtcNow.ToOffset(TimeSpan.FromHours(7));
        fields["orderDateTime"] = vietnam.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, operation);
            request.Headers.Add("Idempotency-Key", key);
            request.Content = JsonContent.Create(fields);
            await request.Content.LoadIntoBufferAsync(); // so that it has a Content-Length
            using var response = await client.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            var body = JsonSerializer.Deserialize<JsonElement>(text);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return new Answer("ok", body);
            }
            log.LogError("{Operation} {Key}: {Status} {Text}", operation, key, (int)response.StatusCode, text); // says what to correct
            return new Answer(new Answer("", body).Text("outcome") ?? "unknown");
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or JsonException or InvalidOperationException)
        {
            log.LogError(error, "{Operation} {Key}", operation, key);
            return new Answer("unknown");
        }
    }

    /// <summary>Makes an order, and the key of its payment with it: the key is kept before anything is sent.</summary>
    public string NewOrder(long amount, string description)
    {
        var id = "DH-" + Guid.NewGuid().ToString("N")[^10..];
        orders.Save(new Order { Id = id, Amount = amount, Description = description, PayKey = $"{id}-pay-1" });
        return id;
    }

    /// <summary>Opens the payment of an order. Returns the payment page, or null. Repeated, it sends the same key: one payment.</summary>
    public async Task<string?> Pay(Order order)
    {
        var answer = await Call("pay", order.PayKey, new()
        {
            ["orderID"] = order.Id, ["orderAmount"] = order.Amount, ["orderCurrency"] = order.Currency,
            ["orderDescription"] = order.Description, ["paymentMethod"] = "DOMESTIC",
        });
        orders.Change(order.Id, o =>
        {
            if (answer.Outcome == "ok" && o.TransactionId == "")
            {
                o.TransactionId = answer.Text("transactionID") ?? "";
            }
            if (answer.Outcome == "rejected" && o.Status == "open") // the gateway's proven no: the customer may make another order
            {
                o.Status = "failed";
            }
        });
        return answer.Text("endpoint"); // unknown or not_sent: the order stays open, to be tried again under the same key
    }

    /// <summary>Takes a proven IPN. Returns ipnStatus and ipnDescription.</summary>
    public (string Status, string Description) Take(string id, string transaction, string status, JsonElement data)
    {
        if (orders.Find(id) is null)
        {
            return ("404", "No such order");
        }
        var answer = ("409", "Noted before"); // an IPN can come twice
        orders.Change(id, order =>
        {
            var message = $"{transaction} {status}";
            if (!order.Messages.Contains(message))
            {
                order.Messages.Add(message);
                answer = Apply(order, transaction, status, data);
            }
        });
        return answer;
    }

    /// <summary>What an IPN does to the order: only paid hands out goods, and nothing undoes it.</summary>
    private (string, string) Apply(Order order, string transaction, string status, JsonElement data)
    {
        var unpaid = order.Status is "open" or "failed";
        if (status == "disputed" || (status == "paid" && !IsFullPayment(order, data)))
        {
            log.LogError("{Order}: transaction {Transaction} has another amount than the order; a person must look at it", order.Id, transaction);
            order.Status = unpaid ? "review" : order.Status;
            return ("200", "Another amount than ordered");
        }
        if (status == "paid" && unpaid)
        {
            order.Status = "paid";
            order.TransactionId = transaction;
            order.HandedOut++; // hand out the goods here
            return ("200", "Paid");
        }
        if (status == "paid")
        {
            log.LogError("{Order}: paid again, by transaction {Transaction}; a person must look at it", order.Id, transaction);
            return ("409", "Paid before");
        }
        if (status is "cancelled" or "expired" or "failed" && order.Status == "open")
        {
            order.Status = "failed";
        }
        return ("200", "Noted");
    }

    /// <summary>Compares by value: the gateway writes 109000, "109000" or "109000.00".</summary>
    private static bool IsFullPayment(Order order, JsonElement data) =>
        data.TryGetProperty("orderAmount", out var amount) && data.TryGetProperty("orderCurrency", out var currency)
        && decimal.TryParse(amount.ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
        && value == order.Amount && currency.ToString() == order.Currency;

    /// <summary>Gives the money of a paid order back. Repeated after unknown, it sends the same key: one refund.</summary>
    public async Task Refund(string id)
    {
        var order = orders.Change(id, o => // kept before anything is sent
        {
            if (o.Status == "paid")
            {
                (o.Status, o.RefundKey) = ("refunding", $"{id}-refund-{o.RefundsRefused + 1}");
            }
        });
        if (order.Status != "refunding")
        {
            return;
        }
        var answer = await Call("refund", order.RefundKey, new()
        {
            ["orderID"] = id, ["transactionID"] = order.TransactionId, ["orderAmount"] = order.Amount,
            ["orderCurrency"] = order.Currency, ["orderDescription"] = "Refund",
        });
        orders.Change(id, o =>
        {
            if (answer.Outcome == "ok")
            {
                o.Status = "refunded";
            }
            else if (answer.Outcome == "rejected" && o.Status == "refunding" && o.RefundKey == order.RefundKey) // another try is another key
            {
                (o.Status, o.RefundsRefused) = ("paid", o.RefundsRefused + 1);
            }
        });
    }
}
