<?php
// A small shop: php -S 127.0.0.1:8000 index.php. Its payments are in payment.php.
declare(strict_types=1);

http_response_code(500); // stays if this script dies: an IPN is not taken then
require __DIR__ . '/payment.php';

const AMOUNT = 109000;
const DESCRIPTION = 'Cà phê sữa đá';

const SENTENCES = [
    'open' => 'Đơn hàng chưa được thanh toán. Bấm lại nút này không mất tiền hai lần.',
    'failed' => 'Bạn chưa thanh toán. Bạn có thể đặt một đơn hàng mới.',
    'paid' => 'Cảm ơn bạn! Đơn hàng đã được thanh toán.',
    'refunding' => 'Tiền đang được hoàn lại.',
    'refunded' => 'Tiền đã được hoàn lại.',
    'review' => 'Cửa hàng đang kiểm tra khoản thanh toán này.',
    'confirming' => 'Chúng tôi đã nhận kết quả và đang xác nhận. Bạn không cần thanh toán lại.',
];

function page(string $html, string $head = ''): never
{
    http_response_code(200);
    header('Content-Type: text/html; charset=utf-8');
    header('Cache-Control: no-store');
    exit("<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">$head
        <title>Cửa hàng</title></head><body style=\"font: 1.1em sans-serif; max-width: 32em; margin: 2em auto\">$html</body></html>");
}

/** The page of an order. It goes by the shop's own order; $result is what the customer's browser has brought. */
function order_page(?array $order, string $result = ''): never
{
    if ($order === null) {
        page('<p>Không có đơn hàng này.</p>');
    }
    $confirming = $order['status'] === 'open' && in_array($result, ['paid', 'pending'], true);
    $sentence = SENTENCES[$confirming ? 'confirming' : $order['status']];
    $id = htmlspecialchars($order['id']);
    $buttons = '';
    if ($order['status'] === 'open' && !$confirming) {
        $buttons = "<form method=\"post\" action=\"/buy\"><button id=\"pay\" name=\"order\" value=\"$id\">Thanh toán</button></form>";
    }
    if (in_array($order['status'], ['paid', 'refunding'], true)) {
        $buttons = "<form method=\"post\" action=\"/refund\"><input type=\"hidden\" name=\"order\" value=\"$id\">
            <input id=\"password\" type=\"password\" name=\"password\" placeholder=\"Mật khẩu nhân viên\">
            <button id=\"refund\">Hoàn tiền</button></form>";
    }
    page("<h1 id=\"order\">$id</h1><p>$sentence</p>
        <p>Trạng thái: <b id=\"status\">{$order['status']}</b>, đã giao: <b id=\"handed-out\">{$order['handed_out']}</b></p>
        $buttons<p><a href=\"/\">Về cửa hàng</a></p>", $confirming ? '<meta http-equiv="refresh" content="3">' : '');
}

function redirect(string $address): never
{
    header("Location: $address", true, 303);
    exit;
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$route = $_SERVER['REQUEST_METHOD'] . ' ' . $path;

if ($route === 'GET /') {
    page('<h1>' . DESCRIPTION . '</h1><p>109.000 ₫</p><form method="post" action="/buy"><button id="buy">Mua</button></form>');
}
if ($route === 'POST /buy') {
    $order = find_order($_POST['order'] ?? new_order(AMOUNT, DESCRIPTION));
    if ($order === null) {
        order_page(null);
    }
    $endpoint = $order['status'] === 'open' ? pay($order) : null;
    redirect($endpoint ?? "/orders/{$order['id']}");
}
if (str_starts_with($route, 'GET /orders/')) {
    order_page(find_order(rawurldecode(basename($path))));
}
if ($route === 'GET /galaxypay/result') { // only a page: goods go by the IPN
    if (!isset($_SERVER['HTTP_GALAXYPAY_CALLBACK'])) {
        http_response_code(403);
        exit('This did not come through galaxypay_result.');
    }
    order_page(find_order(rawurldecode($_SERVER['HTTP_GALAXYPAY_ORDER_ID'] ?? '')), $_SERVER['HTTP_GALAXYPAY_PAYMENT_STATUS']);
}
if ($route === 'POST /galaxypay/ipn') {
    if (!in_array($_SERVER['HTTP_GALAXYPAY_CALLBACK'] ?? '', ['ipn', 'query'], true)) {
        http_response_code(403);
        exit('This did not come through galaxypay_ipn.');
    }
    [$status, $description] = take_ipn(file_get_contents('php://input'));
    http_response_code(200);
    header('Content-Type: application/json');
    exit(json_encode(['ipnStatus' => $status, 'ipnDescription' => $description]));
}
if ($route === 'POST /refund') { // for your staff: your shop's login belongs here
    $password = getenv('STAFF_PASSWORD') ?: '';
    if ($password === '' || ($_POST['password'] ?? '') !== $password) {
        http_response_code(403);
        exit('Only for staff. Start the shop with STAFF_PASSWORD.');
    }
    refund($_POST['order'] ?? '');
    redirect('/orders/' . rawurlencode($_POST['order'] ?? ''));
}
http_response_code(404);
