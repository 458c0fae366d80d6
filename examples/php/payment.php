<?php
// Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does.
declare(strict_types=1);

date_default_timezone_set('Asia/Ho_Chi_Minh'); // the gateway's times

/** The shop's own orders, and the messages about them that it has taken. */
function database(): PDO
{
    static $db = null;
    if ($db === null) {
        $db = new PDO('sqlite:' . (getenv('SHOP_STORE') ?: __DIR__ . '/shop.db'));
        $db->exec("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, amount INTEGER, currency TEXT, description TEXT,
            status TEXT DEFAULT 'open', pay_key TEXT, transaction_id TEXT DEFAULT '', handed_out INTEGER DEFAULT 0,
            refund_key TEXT DEFAULT '', refunds_refused INTEGER DEFAULT 0)");
        $db->exec('CREATE TABLE IF NOT EXISTS messages (order_id TEXT, transaction_id TEXT, status TEXT,
            PRIMARY KEY (order_id, transaction_id, status))');
    }
    return $db;
}

/** Runs a change, and returns how many rows it has changed. */
function change(string $sql, array $values): int
{
    $statement = database()->prepare($sql);
    $statement->execute($values);
    return $statement->rowCount();
}

function find_order(string $id): ?array
{
    $found = database()->prepare('SELECT * FROM orders WHERE id = ?');
    $found->execute([$id]);
    return $found->fetch(PDO::FETCH_ASSOC) ?: null;
}

/** Posts plain JSON to the sidecar. Returns 'ok', 'not_sent', 'rejected' or 'unknown', and the answer. */
function sidecar(string $operation, string $key, array $fields): array
{
    $ch = curl_init((getenv('GALAXYPAY_URL') ?: 'http://localhost:9180') . "/$operation");
    curl_setopt_array($ch, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 35, // the sidecar waits 30 s
        CURLOPT_HTTPHEADER => ['Content-Type: application/json', "Idempotency-Key: $key"],
        CURLOPT_POSTFIELDS => json_encode($fields, JSON_THROW_ON_ERROR),
    ]);
    $text = (string) curl_exec($ch);
    $code = curl_getinfo($ch, CURLINFO_RESPONSE_CODE);
    $answer = json_decode($text, true) ?? [];
    if ($code === 200) {
        return ['ok', $answer];
    }
    error_log("$operation $key: $code $text" . curl_error($ch)); // says what to correct
    return [$answer['outcome'] ?? 'unknown', $answer];
}

/** Makes an order, and the key of its payment with it: the key is kept before anything is sent. */
function new_order(int $amount, string $description): string
{
    $id = 'DH-' . bin2hex(random_bytes(5));
    change('INSERT INTO orders (id, amount, currency, description, pay_key) VALUES (?, ?, ?, ?, ?)',
        [$id, $amount, 'VND', $description, "$id-pay-1"]);
    return $id;
}

/** Opens the payment of an order. Returns the payment page, or null. Repeated, it sends the same key: one payment. */
function pay(array $order): ?string
{
    [$outcome, $answer] = sidecar('pay', $order['pay_key'], [
        'orderID' => $order['id'],
        'orderAmount' => $order['amount'],
        'orderCurrency' => $order['currency'],
        'orderDateTime' => date('YmdHis'),
        'orderDescription' => $order['description'],
        'paymentMethod' => 'DOMESTIC',
    ]);
    if ($outcome === 'ok') {
        change("UPDATE orders SET transaction_id = ? WHERE id = ? AND transaction_id = ''", [$answer['transactionID'], $order['id']]);
        return $answer['endpoint'];
    }
    if ($outcome === 'rejected') { // the gateway's proven no: the customer may make another order
        change("UPDATE orders SET status = 'failed' WHERE id = ? AND status = 'open'", [$order['id']]);
    }
    return null; // unknown or not_sent: the order stays open, to be tried again under the same key
}

/** Takes a proven IPN. Returns ipnStatus and ipnDescription. */
function take_ipn(string $body): array
{
    $order = find_order(rawurldecode($_SERVER['HTTP_GALAXYPAY_ORDER_ID'] ?? ''));
    if ($order === null) {
        return ['404', 'No such order'];
    }
    $status = $_SERVER['HTTP_GALAXYPAY_PAYMENT_STATUS'];
    $transaction = rawurldecode($_SERVER['HTTP_GALAXYPAY_TRANSACTION_ID'] ?? '');
    $data = json_decode($body, true, 512, JSON_THROW_ON_ERROR)['responseData'];
    database()->beginTransaction();
    if (change('INSERT OR IGNORE INTO messages VALUES (?, ?, ?)', [$order['id'], $transaction, $status]) === 0) {
        database()->rollBack();
        return ['409', 'Noted before']; // an IPN can come twice
    }
    $answer = change_order($order, $status, $transaction, $data);
    database()->commit();
    return $answer;
}

/** What an IPN does to the order: only 'paid' hands out goods, and nothing undoes it. */
function change_order(array $order, string $status, string $transaction, array $data): array
{
    $id = $order['id'];
    if ($status === 'disputed' || ($status === 'paid' && !is_full_payment($order, $data))) {
        error_log("$id: transaction $transaction has another amount than the order; a person must look at it");
        change("UPDATE orders SET status = 'review' WHERE id = ? AND status IN ('open', 'failed')", [$id]);
        return ['200', 'Another amount than ordered'];
    }
    if ($status === 'paid') {
        $paid = change("UPDATE orders SET status = 'paid', transaction_id = ?, handed_out = handed_out + 1
            WHERE id = ? AND status IN ('open', 'failed')", [$transaction, $id]); // hand out the goods here
        if ($paid === 1) {
            return ['200', 'Paid'];
        }
        error_log("$id: paid again, by transaction $transaction; a person must look at it");
        return ['409', 'Paid before'];
    }
    if (in_array($status, ['cancelled', 'expired', 'failed'], true)) {
        change("UPDATE orders SET status = 'failed' WHERE id = ? AND status = 'open'", [$id]);
    }
    return ['200', 'Noted'];
}

/** Compares by value: the gateway writes 109000, "109000" or "109000.00". */
function is_full_payment(array $order, array $data): bool
{
    return is_numeric($data['orderAmount'] ?? null) && $data['orderAmount'] == $order['amount']
        && ($data['orderCurrency'] ?? null) === $order['currency'];
}

/** Gives the money of a paid order back. Repeated after 'unknown', it sends the same key: one refund. */
function refund(string $id): void
{
    change("UPDATE orders SET status = 'refunding', refund_key = id || '-refund-' || (refunds_refused + 1)
        WHERE id = ? AND status = 'paid'", [$id]); // kept before anything is sent
    $order = find_order($id);
    if (($order['status'] ?? '') !== 'refunding') {
        return;
    }
    [$outcome] = sidecar('refund', $order['refund_key'], [
        'orderID' => $id,
        'transactionID' => $order['transaction_id'],
        'orderAmount' => $order['amount'],
        'orderCurrency' => $order['currency'],
        'orderDateTime' => date('YmdHis'),
        'orderDescription' => 'Refund',
    ]);
    if ($outcome === 'ok') {
        change("UPDATE orders SET status = 'refunded' WHERE id = ?", [$id]);
    } elseif ($outcome === 'rejected') { // the gateway's proven no: another try is another key
        change("UPDATE orders SET status = 'paid', refunds_refused = refunds_refused + 1
            WHERE id = ? AND status = 'refunding' AND refund_key = ?", [$id, $order['refund_key']]);
    }
}
