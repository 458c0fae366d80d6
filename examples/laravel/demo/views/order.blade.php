@extends('layout')
@section('head')
@if ($confirming)<meta http-equiv="refresh" content="3">@endif
@endsection
@section('body')
<h1 id="order">{{ $order->id }}</h1>
<p>{{ [
    'open' => 'Đơn hàng chưa được thanh toán. Bấm lại nút này không mất tiền hai lần.',
    'failed' => 'Bạn chưa thanh toán. Bạn có thể đặt một đơn hàng mới.',
    'paid' => 'Cảm ơn bạn! Đơn hàng đã được thanh toán.',
    'refunding' => 'Tiền đang được hoàn lại.',
    'refunded' => 'Tiền đã được hoàn lại.',
    'review' => 'Cửa hàng đang kiểm tra khoản thanh toán này.',
    'confirming' => 'Chúng tôi đã nhận kết quả và đang xác nhận. Bạn không cần thanh toán lại.',
][$confirming ? 'confirming' : $order->status] }}</p>
<p>Trạng thái: <b id="status">{{ $order->status }}</b>, đã giao: <b id="handed-out">{{ $order->handed_out }}</b></p>
@if ($order->status === 'open' && ! $confirming)
<form method="post" action="/buy">@csrf<button id="pay" name="order" value="{{ $order->id }}">Thanh toán</button></form>
@endif
@if (in_array($order->status, ['paid', 'refunding'], true))
<form method="post" action="/refund">@csrf
<input type="hidden" name="order" value="{{ $order->id }}">
<input id="password" type="password" name="password" placeholder="Mật khẩu nhân viên">
<button id="refund">Hoàn tiền</button>
</form>
@endif
<p><a href="/">Về cửa hàng</a></p>
@endsection
