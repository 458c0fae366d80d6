<?php

return [
    'galaxypay' => ['url' => env('GALAXYPAY_URL', 'http://localhost:9180')],
    'staff_password' => env('STAFF_PASSWORD'),
];
