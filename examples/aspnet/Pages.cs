/// <summary>The pages of the shop. Ids and states of orders are the shop's own words, so nothing needs escaping.</summary>
public static class Pages
{
    private static readonly Dictionary<string, string> Sentences = new()
    {
        ["open"] = "Đơn hàng chưa được thanh toán. Bấm lại nút này không mất tiền hai lần.",
        ["failed"] = "Bạn chưa thanh toán. Bạn có thể đặt một đơn hàng mới.",
        ["paid"] = "Cảm ơn bạn! Đơn hàng đã được thanh toán.",
        ["refunding"] = "Tiền đang được hoàn lại.",
        ["refunded"] = "Tiền đã được hoàn lại.",
        ["review"] = "Cửa hàng đang kiểm tra khoản thanh toán này.",
        ["confirming"] = "Chúng tôi đã nhận kết quả và đang xác nhận. Bạn không cần thanh toán lại.",
    };

    private static IResult Page(string html, string head = "") => Results.Content($"""
        <!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">{head}
        <title>Cửa hàng</title></head><body style="font: 1.1em sans-serif; max-width: 32em; margin: 2em auto">{html}</body></html>
        """, "text/html; charset=utf-8");

    public static IResult Home(string description) => Page($"""
        <h1>{description}</h1><p>109.000 ₫</p><form method="post" action="/buy"><button id="buy">Mua</button></form>
        """);

    /// <summary>The page of an order. It goes by the shop's own order; result is what the customer's browser has brought.</summary>
    public static IResult ShowOrder(Order? order, string result)
    {
        if (order is null)
        {
            return Results.NotFound();
        }
        var confirming = order.Status == "open" && result is "paid" or "pending";
        var form = order.Status switch
        {
            "open" when !confirming => $"""
                <form method="post" action="/buy"><button id="pay" name="order" value="{order.Id}">Thanh toán</button></form>
                """,
            "paid" or "refunding" => $"""
                <form method="post" action="/refund"><input type="hidden" name="order" value="{order.Id}">
                <input id="password" type="password" name="password" placeholder="Mật khẩu nhân viên"><button id="refund">Hoàn tiền</button></form>
                """,
            _ => "",
        };
        return Page($"""
            <h1 id="order">{order.Id}</h1><p>{Sentences[confirming ? "confirming" : order.Status]}</p>
            <p>Trạng thái: <b id="status">{order.Status}</b>, đã giao: <b id="handed-out">{order.HandedOut}</b></p>
            {form}<p><a href="/">Về cửa hàng</a></p>
            """, confirming ? "<meta http-equiv=\"refresh\" content=\"3\">" : "");
    }
}
