<?php

namespace Galaxypay\Laravel;

use Illuminate\Http\Client\ConnectionException;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Facades\Log;

/** Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does. */
class Payments
{
    public function __construct(private string $sidecar)
    {
    }

    /** Posts plain JSON to the sidecar. Returns 'ok', 'not_sent', 'rejected' or 'unknown', and the answer. */
    private function call(string $operation, string $key, array $fields): array
    {
        $fields['orderDateTime'] = now('Asia/Ho_Chi_Minh')->format('YmdHis');
        try {
            $response = Http::timeout(35) // the sidecar waits 30 s
                ->withHeaders(['Idempotency-Key' => $key])
                ->post("{$this->sidecar}/$operation", $fields);
        } catch (ConnectionException $error) {
            Log::error("$operation $key: {$error->getMessage()}");

            return ['unknown', []];
        }
        if ($response->status() === 200) {
            return ['ok', $response->json() ?? []];
        }
        Log::error("$operation $key: {$response->status()} {$response->body()}"); // says what to correct

        return [$response->json('outcome') ?? 'unknown', []];
    }

    /** Makes an order, and the key of its payment with it: the key is kept before anything is sent. */
    public function newOrder(int $amount, string $description): Order
    {
        $id = 'DH-' . bin2hex(random_bytes(5));
        Order::create(['id' => $id, 'amount' => $amount, 'description' => $description, 'pay_key' => "$id-pay-1"]);

        return Order::findOrFail($id);
    }

    /** Opens the payment of an order. Returns the payment page, or null. Repeated, it sends the same key: one payment. */
    public function pay(Order $order): ?string
    {
        [$outcome, $answer] = $this->call('pay', $order->pay_key, [
            'orderID' => $order->id,
            'orderAmount' => $order->amount,
            'orderCurrency' => $order->currency,
            'orderDescription' => $order->description,
            'paymentMethod' => 'DOMESTIC',
        ]);
        if ($outcome === 'ok') {
            Order::where('id', $order->id)->where('transaction_id', '')->update(['transaction_id' => $answer['transactionID']]);

            return $answer['endpoint'];
        }
        if ($outcome === 'rejected') { // the gateway's proven no: the customer may make another order
            Order::where('id', $order->id)->where('status', 'open')->update(['status' => 'failed']);
        }

        return null; // unknown or not_sent: the order stays open, to be tried again under the same key
    }

    /** Takes a proven IPN. Returns ipnStatus and ipnDescription. */
    public function takeIpn(string $id, string $transaction, string $status, array $payment): array
    {
        $order = Order::find($id);
        if ($order === null) {
            return ['404', 'No such order'];
        }

        return DB::transaction(function () use ($order, $transaction, $status, $payment) {
            $message = ['order_id' => $order->id, 'transaction_id' => $transaction, 'status' => $status];
            if (DB::table('galaxypay_messages')->insertOrIgnore($message) === 0) {
                return ['409', 'Noted before']; // an IPN can come twice
            }

            return $this->change($order, $transaction, $status, $payment);
        });
    }

    /** What an IPN does to the order: only 'paid' hands out goods, and nothing undoes it. */
    private function change(Order $order, string $transaction, string $status, array $payment): array
    {
        $unpaid = Order::where('id', $order->id)->whereIn('status', ['open', 'failed']);
        if ($status === 'disputed' || ($status === 'paid' && ! $this->isFullPayment($order, $payment))) {
            Log::error("{$order->id}: transaction $transaction has another amount than the order; a person must look at it");
            $unpaid->update(['status' => 'review']);

            return ['200', 'Another amount than ordered'];
        }
        if ($status === 'paid') {
            $paid = $unpaid->update(['status' => 'paid', 'transaction_id' => $transaction, 'handed_out' => DB::raw('handed_out + 1')]);
            if ($paid === 1) { // hand out the goods here
                return ['200', 'Paid'];
            }
            Log::error("{$order->id}: paid again, by transaction $transaction; a person must look at it");

            return ['409', 'Paid before'];
        }
        if (in_array($status, ['cancelled', 'expired', 'failed'], true)) {
            Order::where('id', $order->id)->where('status', 'open')->update(['status' => 'failed']);
        }

        return ['200', 'Noted'];
    }

    /** Compares by value: the gateway writes 109000, "109000" or "109000.00". */
    private function isFullPayment(Order $order, array $payment): bool
    {
        return is_numeric($payment['orderAmount'] ?? null) && $payment['orderAmount'] == $order->amount
            && ($payment['orderCurrency'] ?? null) === $order->currency;
    }

    /** Gives the money of a paid order back. Repeated after 'unknown', it sends the same key: one refund. */
    public function refund(Order $order): void
    {
        Order::where('id', $order->id)->where('status', 'paid')->update([ // kept before anything is sent
            'status' => 'refunding', 'refund_key' => DB::raw("id || '-refund-' || (refunds_refused + 1)"), // MySQL: CONCAT
        ]);
        $order->refresh();
        if ($order->status !== 'refunding') {
            return;
        }
        [$outcome] = $this->call('refund', $order->refund_key, [
            'orderID' => $order->id,
            'transactionID' => $order->transaction_id,
            'orderAmount' => $order->amount,
            'orderCurrency' => $order->currency,
            'orderDescription' => 'Refund',
        ]);
        $refunding = Order::where('id', $order->id)->where('status', 'refunding')->where('refund_key', $order->refund_key);
        if ($outcome === 'ok') {
            $refunding->update(['status' => 'refunded']);
        } elseif ($outcome === 'rejected') { // the gateway's proven no: another try is another key
            $refunding->update(['status' => 'paid', 'refunds_refused' => DB::raw('refunds_refused + 1')]);
        }
    }
}
