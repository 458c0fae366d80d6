<?php
// A tiny shop: php -S 127.0.0.1:0 shop.php
//
// SIDECAR is where the sidecar takes calls, STATE a folder for the orders. There is no
// key, no salt and no hash in here, and every message that comes in is proven.

const DESCRIPTION = 'Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕';

function order_file(string $id): string
{
    return getenv('STATE') . '/' . bin2hex($id) . '.json';
}

function load_order(string $id): ?array
{
    $file = order_file($id);
    return is_file($file) ? json_decode(file_get_contents($file), true) : null;
}

function save_order(string $id, array $order): void
{
    file_put_contents(order_file($id), json_encode($order), LOCK_EX);
}

/** Posts plain JSON to the sidecar. */
function call_sidecar(string $operation, array $fields): array
{
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => 'Content-Type: application/json',
        'content' => json_encode($fields),
        'ignore_errors' => true, // an answer that is not 200 has something to say, too
        'timeout' => 20,
    ]]);
    $body = file_get_contents(getenv('SIDECAR') . '/' . $operation, false, $context);
    $status = '';
    foreach ($http_response_header as $line) {
        if (stripos($line, 'Galaxypay-Payment-Status:') === 0) {
            $status = trim(substr($line, strlen('Galaxypay-Payment-Status:')));
        }
    }
    return [json_decode($body, true), $status];
}

function reply(array $value): void
{
    header('Content-Type: application/json');
    echo json_encode($value);
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$id = basename($path);

if (str_starts_with($path, '/buy/')) {
    [$answer] = call_sidecar('pay', [
        'orderID' => $id,
        'orderNumber' => '82262889',
        'orderAmount' => 109000,
        'orderCurrency' => 'VND',
        'orderDateTime' => date('YmdHis'),
        'orderDescription' => DESCRIPTION,
        'paymentMethod' => 'DOMESTIC',
        'language' => 'vi',
    ]);
    if (isset($answer['transactionID'])) {
        save_order($id, ['status' => 'open', 'transactionID' => $answer['transactionID']]);
    }
    reply($answer);
} elseif (str_starts_with($path, '/orders/')) {
    reply(load_order($id) ?? []);
} elseif (str_starts_with($path, '/check/')) {
    [$answer, $status] = call_sidecar('query', ['transactionID' => load_order($id)['transactionID']]);
    reply(['status' => $status, 'description' => $answer['orderDescription'] ?? '']);
} elseif ($path === '/galaxypay/ipn') {
    $paid = json_decode(file_get_contents('php://input'), true)['responseData'];
    $order = load_order($paid['orderID']);
    if ($order === null) {
        reply(['ipnStatus' => '404', 'ipnDescription' => 'Không có đơn hàng này']);
    } elseif ($order['status'] !== 'open') {
        reply(['ipnStatus' => '409', 'ipnDescription' => 'Đơn hàng đã xong']);
    } else {
        $order['status'] = $_SERVER['HTTP_GALAXYPAY_PAYMENT_STATUS'];
        $order['description'] = $paid['orderDescription'];
        save_order($paid['orderID'], $order);
        reply(['ipnStatus' => '200', 'ipnDescription' => 'Đã cập nhật đơn hàng']);
    }
} elseif ($path === '/galaxypay/result') {
    $paid = json_decode(file_get_contents('php://input'), true)['responseData'];
    header('Content-Type: text/html; charset=utf-8');
    printf(
        '<p>%s: %s %s, %s</p>',
        htmlspecialchars($paid['orderDescription']),
        $_SERVER['HTTP_GALAXYPAY_CALLBACK'],
        $_SERVER['HTTP_GALAXYPAY_PAYMENT_STATUS'],
        htmlspecialchars($_GET['shop'] ?? ''),
    );
} else {
    http_response_code(404);
}
