// A small shop with ASP.NET Core: dotnet run. Its payments are in Payment.cs.
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;

const long amount = 109000;
const string description = "Cà phê sữa đá";

var builder = WebApplication.CreateBuilder(args);
var settings = builder.Configuration; // reads environment variables
builder.WebHost.UseUrls($"http://127.0.0.1:{settings["PORT"] ?? "8000"}");
builder.Services.AddSingleton(new Orders(settings["SHOP_STORE"] ?? "orders"));
builder.Services.AddHttpClient<Payment>(client =>
{
    client.BaseAddress = new Uri((settings["GALAXYPAY_URL"] ?? "http://localhost:9180") + "/");
    client.Timeout = TimeSpan.FromSeconds(35); // the sidecar waits 30 s
});
var app = builder.Build();

app.MapGet("/", () => Pages.Home(description));

app.MapPost("/buy", async (HttpContext http, Orders orders, Payment payment) =>
{
    var form = await http.Request.ReadFormAsync();
    var order = orders.Find(form.TryGetValue("order", out var id) ? (string?)id : payment.NewOrder(amount, description));
    if (order is null)
    {
        return Results.NotFound();
    }
    var endpoint = order.Status == "open" ? await payment.Pay(order) : null;
    http.Response.Headers.Location = endpoint ?? $"/orders/{order.Id}";
    return Results.StatusCode(StatusCodes.Status303SeeOther);
});

app.MapGet("/orders/{id}", (string id, Orders orders) => Pages.ShowOrder(orders.Find(id), ""));

// Only a page: goods go by the IPN.
app.MapGet("/galaxypay/result", (HttpRequest request, Orders orders) =>
    request.Headers["Galaxypay-Callback"].ToString() is "result" or "cancel"
        ? Pages.ShowOrder(orders.Find(Named(request, "Galaxypay-Order-Id")), request.Headers["Galaxypay-Payment-Status"].ToString())
        : Results.StatusCode(StatusCodes.Status403Forbidden));

app.MapPost("/galaxypay/ipn", (HttpRequest request, [FromBody] JsonElement message, Payment payment) =>
{
    if (request.Headers["Galaxypay-Callback"].ToString() is not ("ipn" or "query"))
    {
        return Results.StatusCode(StatusCodes.Status403Forbidden);
    }
    var (status, said) = payment.Take(Named(request, "Galaxypay-Order-Id"), Named(request, "Galaxypay-Transaction-Id"),
        request.Headers["Galaxypay-Payment-Status"].ToString(), message.GetProperty("responseData"));
    return Results.Json(new { ipnStatus = status, ipnDescription = said });
});

// For your staff: your shop's login belongs here.
app.MapPost("/refund", async (HttpContext http, Orders orders, Payment payment) =>
{
    var form = await http.Request.ReadFormAsync();
    var password = settings["STAFF_PASSWORD"];
    if (string.IsNullOrEmpty(password) || form["password"].ToString() != password)
    {
        return Results.Text("Only for staff. Start the shop with STAFF_PASSWORD.", statusCode: StatusCodes.Status403Forbidden);
    }
    var id = form["order"].ToString();
    if (orders.Find(id) is null)
    {
        return Results.NotFound();
    }
    await payment.Refund(id);
    http.Response.Headers.Location = $"/orders/{id}";
    return Results.StatusCode(StatusCodes.Status303SeeOther);
});

app.Run();

// A header that names something is percent-encoded.
static string Named(HttpRequest request, string header) => Uri.UnescapeDataString(request.Headers[header].ToString());
