import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Executors;

/** A small shop with the JDK alone: java -cp classes Shop. Its payments are in Payment.java. */
public final class Shop {
    private static final long AMOUNT = 109000;
    private static final String DESCRIPTION = "Cà phê sữa đá";
    private static final int MAX_BODY = 64 << 10;

    private final Orders orders;
    private final Payment payment;

    private Shop(Orders orders, Payment payment) {
        this.orders = orders;
        this.payment = payment;
    }

    public static void main(String[] args) throws IOException {
        Orders orders = new Orders(Path.of(System.getenv().getOrDefault("SHOP_STORE", "orders")));
        Shop shop = new Shop(orders, new Payment(System.getenv().getOrDefault("GALAXYPAY_URL", "http://localhost:9180"), orders));
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.createContext("/", shop::handle);
        server.start();
    }

    private void handle(HttpExchange e) throws IOException {
        try {
            route(e);
        } catch (IOException | RuntimeException error) { // an IPN is not taken then
            error.printStackTrace();
            text(e, 500, "The shop cannot do this now.");
        }
    }

    private void route(HttpExchange e) throws IOException {
        String path = e.getRequestURI().getPath();
        switch (e.getRequestMethod() + " " + path) {
            case "GET /" -> html(e, Pages.home(DESCRIPTION));
            case "POST /buy" -> buy(e);
            case "GET /galaxypay/result" -> result(e);
            case "POST /galaxypay/ipn" -> ipn(e);
            case "POST /refund" -> refund(e);
            default -> {
                if (e.getRequestMethod().equals("GET") && path.startsWith("/orders/")) {
                    showOrder(e, path.substring("/orders/".length()), "");
                } else {
                    text(e, 404, "There is no such page.");
                }
            }
        }
    }

    private void buy(HttpExchange e) throws IOException {
        String id = form(e).get("order");
        if (id == null) {
            id = String.format("DH-%010x", new SecureRandom().nextLong() & 0xffffffffffL);
            payment.create(id, AMOUNT, DESCRIPTION);
        }
        Properties order = orders.find(id);
        if (order == null) {
            text(e, 404, "There is no such order.");
            return;
        }
        String endpoint = order.getProperty("status").equals("open") ? payment.pay(order) : null;
        redirect(e, endpoint == null ? "/orders/" + id : endpoint);
    }

    /** The page of an order. It goes by the shop's own order; result is what the customer's browser has brought. */
    private void showOrder(HttpExchange e, String id, String result) throws IOException {
        Properties order = orders.find(id);
        if (order == null) {
            text(e, 404, "There is no such order.");
            return;
        }
        boolean confirming = order.getProperty("status").equals("open") && List.of("paid", "pending").contains(result);
        html(e, Pages.order(order, confirming));
    }

    /** Only a page: goods go by the IPN. */
    private void result(HttpExchange e) throws IOException {
        if (header(e, "Galaxypay-Callback").isEmpty()) {
            text(e, 403, "This did not come through galaxypay_result.");
            return;
        }
        showOrder(e, decoded(header(e, "Galaxypay-Order-Id")), header(e, "Galaxypay-Payment-Status"));
    }

    private void ipn(HttpExchange e) throws IOException {
        if (!List.of("ipn", "query").contains(header(e, "Galaxypay-Callback"))) {
            text(e, 403, "This did not come through galaxypay_ipn.");
            return;
        }
        Map<String, String> said = payment.take(decoded(header(e, "Galaxypay-Order-Id")), decoded(header(e, "Galaxypay-Transaction-Id")),
            header(e, "Galaxypay-Payment-Status"), body(e));
        send(e, 200, "application/json", Json.write(said));
    }

    /** For your staff: your shop's login belongs here. */
    private void refund(HttpExchange e) throws IOException {
        Map<String, String> form = form(e);
        String password = System.getenv().getOrDefault("STAFF_PASSWORD", "");
        if (password.isEmpty() || !password.equals(form.get("password"))) {
            text(e, 403, "Only for staff. Start the shop with STAFF_PASSWORD.");
            return;
        }
        String id = form.getOrDefault("order", "");
        Properties order = orders.find(id);
        if (order == null) {
            text(e, 404, "There is no such order.");
            return;
        }
        payment.refund(id);
        redirect(e, "/orders/" + id);
    }

    private static String header(HttpExchange e, String name) {
        String value = e.getRequestHeaders().getFirst(name);
        return value == null ? "" : value;
    }

    /** A header that names something is percent-encoded; a plus sign in it is a plus sign. */
    private static String decoded(String name) {
        return URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    private static String body(HttpExchange e) throws IOException {
        byte[] body = e.getRequestBody().readNBytes(MAX_BODY + 1);
        if (body.length > MAX_BODY) {
            throw new IOException("the body is too large");
        }
        return new String(body, StandardCharsets.UTF_8);
    }

    private static Map<String, String> form(HttpExchange e) throws IOException {
        Map<String, String> form = new LinkedHashMap<>();
        for (String field : body(e).split("&")) {
            String[] parts = field.split("=", 2);
            if (parts.length == 2) {
                form.put(URLDecoder.decode(parts[0], StandardCharsets.UTF_8), URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
            }
        }
        return form;
    }

    private static void redirect(HttpExchange e, String address) throws IOException {
        e.getResponseHeaders().set("Location", address);
        text(e, 303, "");
    }

    private static void html(HttpExchange e, String page) throws IOException {
        e.getResponseHeaders().set("Cache-Control", "no-store");
        send(e, 200, "text/html; charset=utf-8", page);
    }

    private static void text(HttpExchange e, int status, String text) throws IOException {
        send(e, status, "text/plain; charset=utf-8", text);
    }

    private static void send(HttpExchange e, int status, String type, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        e.getResponseHeaders().set("Content-Type", type);
        e.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        e.getResponseBody().write(body);
        e.close();
    }
}
