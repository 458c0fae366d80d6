import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does. */
final class Payment {
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String sidecar;
    private final Orders orders;

    Payment(String sidecar, Orders orders) {
        this.sidecar = sidecar;
        this.orders = orders;
    }

    /** Posts plain JSON to the sidecar. The outcome of the answer is ok, not_sent, rejected or unknown. */
    private Map<String, Object> call(String operation, String key, Map<String, Object> fields) {
        Map<String, Object> body = new LinkedHashMap<>(fields);
        body.put("orderDateTime", ZonedDateTime.now(ZoneId.of("Asia/Ho_Chi_Minh")).format(DateTimeFormatter.ofPattern("yyyyMMddHHmmss")));
        HttpRequest request = HttpRequest.newBuilder(URI.create(sidecar + "/" + operation))
            .header("Content-Type", "application/json").header("Idempotency-Key", key)
            .timeout(Duration.ofSeconds(35)) // the sidecar waits 30 s
            .POST(HttpRequest.BodyPublishers.ofString(Json.write(body))).build();
        try {
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            Map<String, Object> answer = Json.object(response.body());
            if (response.statusCode() == 200) {
                answer.put("outcome", "ok");
            } else {
                System.err.printf("%s %s: %d %s%n", operation, key, response.statusCode(), response.body()); // says what to correct
                answer.putIfAbsent("outcome", "unknown");
            }
            return answer;
        } catch (IOException | IllegalArgumentException error) {
            System.err.printf("%s %s: %s%n", operation, key, error);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        return Map.of("outcome", "unknown");
    }

    /** Makes an order, and the key of its payment with it: the key is kept before anything is sent. */
    void create(String id, long amount, String description) throws IOException {
        Properties order = new Properties();
        order.putAll(Map.of("id", id, "amount", "" + amount, "currency", "VND", "description", description, "status", "open",
            "payKey", id + "-pay-1", "transactionID", "", "handedOut", "0", "refundsRefused", "0", "messages", "\n"));
        orders.save(order);
    }

    /** Opens the payment of an order. Returns the payment page, or null. Repeated, it sends the same key: one payment. */
    String pay(Properties order) throws IOException {
        Map<String, Object> answer = call("pay", order.getProperty("payKey"), Map.of(
            "orderID", order.getProperty("id"), "orderDescription", order.getProperty("description"), "paymentMethod", "DOMESTIC",
            "orderAmount", new BigDecimal(order.getProperty("amount")), "orderCurrency", order.getProperty("currency")));
        orders.change(order.getProperty("id"), o -> {
            if (answer.get("outcome").equals("ok") && o.getProperty("transactionID").isEmpty()) {
                o.setProperty("transactionID", (String) answer.get("transactionID"));
            }
            if (answer.get("outcome").equals("rejected") && o.getProperty("status").equals("open")) {
                o.setProperty("status", "failed"); // the gateway's proven no: the customer may make another order
            }
        });
        return (String) answer.get("endpoint"); // unknown or not_sent: the order stays open, to be tried again under the same key
    }

    /** Takes a proven IPN. Returns ipnStatus and ipnDescription. */
    Map<String, String> take(String id, String transaction, String status, String body) throws IOException {
        if (orders.find(id) == null) {
            return said("404", "No such order");
        }
        Map<?, ?> data = (Map<?, ?>) Json.object(body).get("responseData");
        Map<String, String> answer = new LinkedHashMap<>();
        orders.change(id, order -> {
            String noted = order.getProperty("messages");
            String message = transaction + " " + status + "\n";
            if (noted.contains("\n" + message)) { // an IPN can come twice
                answer.putAll(said("409", "Noted before"));
                return;
            }
            order.setProperty("messages", noted + message);
            answer.putAll(apply(order, transaction, status, data));
        });
        return answer;
    }

    /** What an IPN does to the order: only paid hands out goods, and nothing undoes it. */
    private static Map<String, String> apply(Properties order, String transaction, String status, Map<?, ?> data) {
        boolean unpaid = List.of("open", "failed").contains(order.getProperty("status"));
        if (status.equals("disputed") || status.equals("paid") && !isFullPayment(order, data)) {
            System.err.printf("%s: transaction %s has another amount than the order; a person must look at it%n", order.getProperty("id"), transaction);
            if (unpaid) {
                order.setProperty("status", "review");
            }
            return said("200", "Another amount than ordered");
        }
        if (status.equals("paid") && unpaid) {
            order.setProperty("status", "paid");
            order.setProperty("transactionID", transaction);
            order.setProperty("handedOut", "" + (Integer.parseInt(order.getProperty("handedOut")) + 1)); // hand out the goods here
            return said("200", "Paid");
        }
        if (status.equals("paid")) {
            System.err.printf("%s: paid again, by transaction %s; a person must look at it%n", order.getProperty("id"), transaction);
            return said("409", "Paid before");
        }
        if (List.of("cancelled", "expired", "failed").contains(status) && order.getProperty("status").equals("open")) {
            order.setProperty("status", "failed");
        }
        return said("200", "Noted");
    }

    /** Compares by value: the gateway writes 109000, "109000" or "109000.00". */
    private static boolean isFullPayment(Properties order, Map<?, ?> data) {
        String amount = String.valueOf(data.get("orderAmount"));
        return amount.matches("[0-9]{1,18}(\\.[0-9]{1,4})?") && new BigDecimal(amount).compareTo(new BigDecimal(order.getProperty("amount"))) == 0
            && order.getProperty("currency").equals(data.get("orderCurrency"));
    }

    /** Gives the money of a paid order back. Repeated after unknown, it sends the same key: one refund. */
    void refund(String id) throws IOException {
        if (orders.find(id) == null) {
            return;
        }
        Properties order = orders.change(id, o -> { // kept before anything is sent
            if (o.getProperty("status").equals("paid")) {
                o.setProperty("status", "refunding");
                o.setProperty("refundKey", id + "-refund-" + (Integer.parseInt(o.getProperty("refundsRefused")) + 1));
            }
        });
        if (!order.getProperty("status").equals("refunding")) {
            return;
        }
        String key = order.getProperty("refundKey");
        Object outcome = call("refund", key, Map.of("orderID", id, "transactionID", order.getProperty("transactionID"), "orderDescription", "Refund",
            "orderAmount", new BigDecimal(order.getProperty("amount")), "orderCurrency", order.getProperty("currency"))).get("outcome");
        orders.change(id, o -> {
            if (outcome.equals("ok")) {
                o.setProperty("status", "refunded");
            } else if (outcome.equals("rejected") && o.getProperty("status").equals("refunding") && key.equals(o.getProperty("refundKey"))) {
                o.setProperty("status", "paid"); // another try is another key
                o.setProperty("refundsRefused", "" + (Integer.parseInt(o.getProperty("refundsRefused")) + 1));
            }
        });
    }

    private static Map<String, String> said(String status, String description) {
        return Map.of("ipnStatus", status, "ipnDescription", description);
    }
}
