import java.util.Map;
import java.util.Properties;

/** The pages of the shop. Ids and states of orders are the shop's own words, so nothing needs escaping. */
final class Pages {
    private static final Map<String, String> SENTENCES = Map.of(
        "open", "Đơn hàng chưa được thanh toán. Bấm lại nút này không mất tiền hai lần.",
        "failed", "Bạn chưa thanh toán. Bạn có thể đặt một đơn hàng mới.",
        "paid", "Cảm ơn bạn! Đơn hàng đã được thanh toán.",
        "refunding", "Tiền đang được hoàn lại.",
        "refunded", "Tiền đã được hoàn lại.",
        "review", "Cửa hàng đang kiểm tra khoản thanh toán này.",
        "confirming", "Chúng tôi đã nhận kết quả và đang xác nhận. Bạn không cần thanh toán lại.");

    private Pages() {}

    private static String page(String html, String head) {
        return """
            <!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">%s
            <title>Cửa hàng</title></head><body style="font: 1.1em sans-serif; max-width: 32em; margin: 2em auto">%s</body></html>
            """.formatted(head, html);
    }

    static String home(String description) {
        return page("""
            <h1>%s</h1><p>109.000 ₫</p><form method="post" action="/buy"><button id="buy">Mua</button></form>
            """.formatted(description), "");
    }

    static String order(Properties order, boolean confirming) {
        String id = order.getProperty("id");
        String status = order.getProperty("status");
        String form = "";
        if (status.equals("open") && !confirming) {
            form = """
                <form method="post" action="/buy"><button id="pay" name="order" value="%s">Thanh toán</button></form>
                """.formatted(id);
        }
        if (status.equals("paid") || status.equals("refunding")) {
            form = """
                <form method="post" action="/refund"><input type="hidden" name="order" value="%s">
                <input id="password" type="password" name="password" placeholder="Mật khẩu nhân viên"><button id="refund">Hoàn tiền</button></form>
                """.formatted(id);
        }
        return page("""
            <h1 id="order">%s</h1><p>%s</p>
            <p>Trạng thái: <b id="status">%s</b>, đã giao: <b id="handed-out">%s</b></p>%s<p><a href="/">Về cửa hàng</a></p>
            """.formatted(id, SENTENCES.get(confirming ? "confirming" : status), status, order.getProperty("handedOut"), form),
            confirming ? "<meta http-equiv=\"refresh\" content=\"3\">" : "");
    }
}
