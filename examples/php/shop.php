<?php
// A small shop that takes payments through the sidecar: php -S 127.0.0.1:8000 shop.php
//
// It holds no key, no salt and no hash. It believes the Galaxypay-* headers, because only the
// sidecar can reach it: it listens on loopback, and Caddy removes such headers from outside.

declare(strict_types=1);

const DESCRIPTION = 'Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕';
const AMOUNT = 109000;
const CURRENCY = 'VND';

/**
 * Changes an order, or only looks at it. $change gets the order, or null where there is none, by
 * reference. The lock makes repeated IPNs wait for each other. Your shop has a database
 * transaction here.
 */
function with_order(string $id, callable $change): mixed
{
    $folder = getenv('STATE') ?: sys_get_temp_dir();
    $file = fopen("$folder/order-" . bin2hex($id) . '.json', 'c+');
    flock($file, LOCK_EX);
    $before = $order = json_decode(stream_get_contents($file), true);
    $result = $change($order);
    if ($order !== $before) {
        ftruncate($file, 0);
        rewind($file);
        fwrite($file, json_encode($order));
    }
    fclose($file); // releases the lock
    return $result;
}

/** Posts plain JSON to the sidecar. Returns the answer and the payment status. */
function call_sidecar(string $operation, array $fields, string $key = ''): array
{
    $stream = fopen((getenv('GALAXYPAY_URL') ?: 'http://localhost:9180') . "/$operation", 'r', false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ['Content-Type: application/json', "Idempotency-Key: $key"],
        'content' => json_encode($fields),
        'ignore_errors' => true, // an answer other than 200 has a body, too
        'timeout' => 40, // longer than the sidecar waits for the gateway
    ]]));
    $status = '';
    foreach (stream_get_meta_data($stream)['wrapper_data'] as $line) {
        if (stripos($line, 'Galaxypay-Payment-Status:') === 0) {
            $status = trim(substr($line, strlen('Galaxypay-Payment-Status:')));
        }
    }
    return [json_decode(stream_get_contents($stream), true), $status];
}

/** Opens a payment for an order. */
function buy(string $id): array
{
    // The order is stored before the payment exists, because the IPN may come before the answer.
    with_order($id, function (?array &$order) {
        $order ??= ['status' => 'open', 'amount' => AMOUNT, 'currency' => CURRENCY, 'description' => '', 'handedOut' => 0];
    });
    // The key belongs to the order: the same call made twice is one payment.
    [$answer] = call_sidecar('pay', [
        'orderID' => $id,
        'orderNumber' => '82262889',
        'orderAmount' => AMOUNT,
        'orderCurrency' => CURRENCY,
        'orderDateTime' => gmdate('YmdHis', time() + 7 * 3600), // Vietnam's time
        'orderDescription' => DESCRIPTION,
        'paymentMethod' => 'DOMESTIC',
        'language' => 'vi',
    ], "$id-pay-1");
    with_order($id, function (array &$order) use ($answer) {
        $order['transactionID'] = $answer['transactionID'] ?? '';
    });
    return $answer; // with the endpoint, to which the shop sends the customer
}

/** Asks the gateway what became of an order. Only an IPN changes the order. */
function check(string $id): array
{
    $order = with_order($id, fn (?array &$order) => $order);
    [$answer, $status] = call_sidecar('query', ['transactionID' => $order['transactionID'] ?? '']);
    return ['status' => $status, 'description' => $answer['orderDescription'] ?? ''];
}

/** Takes a proven IPN and answers it. */
function take_ipn(array $message, string $status): array
{
    $payment = $message['responseData'];
    return with_order($payment['orderID'], function (?array &$order) use ($payment, $status) {
        if ($order === null) {
            return ['ipnStatus' => '404', 'ipnDescription' => 'Không có đơn hàng này'];
        }
        // Repeats change nothing, and a late failure does not undo a paid order.
        if ($order['status'] === 'paid' || $order['status'] === $status) {
            return ['ipnStatus' => '409', 'ipnDescription' => 'Đơn hàng đã xong'];
        }
        // A proven message is authentic. It may still be about another amount.
        if ($status === 'paid' && !is_full_payment($payment, $order)) {
            $order['status'] = 'disputed';
            return ['ipnStatus' => '200', 'ipnDescription' => 'Số tiền không khớp, cần người kiểm tra'];
        }
        $order['status'] = $status;
        $order['description'] = $payment['orderDescription'];
        if ($status === 'paid') {
            $order['handedOut']++; // hand out the goods here, and nowhere else
        }
        return ['ipnStatus' => '200', 'ipnDescription' => 'Đã cập nhật đơn hàng'];
    });
}

/** Compares by value, since the gateway writes 109000, "109000" or "109000.00". */
function is_full_payment(array $payment, array $order): bool
{
    return is_numeric($payment['orderAmount'] ?? null)
        && (float) $payment['orderAmount'] === (float) $order['amount']
        && ($payment['orderCurrency'] ?? null) === $order['currency'];
}

/** The page for the customer who comes back. It shows what happened and changes nothing. */
function result_page(): void
{
    $id = rawurldecode($_SERVER['HTTP_GALAXYPAY_ORDER_ID'] ?? '');
    $order = with_order($id, fn (?array &$order) => $order);
    header('Content-Type: text/html; charset=utf-8');
    printf(
        '<p>%s: %s %s, %s</p>',
        htmlspecialchars($order['description'] ?? ''),
        $_SERVER['HTTP_GALAXYPAY_CALLBACK'],
        $_SERVER['HTTP_GALAXYPAY_PAYMENT_STATUS'],
        htmlspecialchars($_GET['shop'] ?? ''),
    );
}

function answer(array $value): void
{
    header('Content-Type: application/json');
    echo json_encode($value);
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$id = rawurldecode(basename($path));
$body = fn (): array => json_decode(file_get_contents('php://input'), true, flags: JSON_THROW_ON_ERROR);

match (true) {
    str_starts_with($path, '/buy/') => answer(buy($id)),
    str_starts_with($path, '/orders/') => answer(with_order($id, fn (?array &$order) => $order ?? [])),
    str_starts_with($path, '/check/') => answer(check($id)),
    $path === '/galaxypay/ipn' => answer(take_ipn($body(), $_SERVER['HTTP_GALAXYPAY_PAYMENT_STATUS'])),
    $path === '/galaxypay/result' => result_page(),
    default => http_response_code(404),
};
