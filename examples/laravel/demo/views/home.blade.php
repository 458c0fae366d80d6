@extends('layout')
@section('body')
<h1>{{ $description }}</h1>
<p>109.000 ₫</p>
<form method="post" action="/buy">@csrf<button id="buy">Mua</button></form>
@endsection
